"""The code of a sweep on its way: the files of a folder that travel, as one zip. No Ray, no torch."""

from __future__ import annotations

from service.interface.code_package.package import MOST, Package, pack

__all__ = ["MOST", "Package", "pack"]
