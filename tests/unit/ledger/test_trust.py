"""Which connections failed for want of trust."""

from __future__ import annotations

import httpx
import pytest

from service.ledger.over_http.trust import is_untrusted


def test_words_in_an_address_are_no_certificate() -> None:
    with pytest.raises(httpx.ConnectError) as refused:
        httpx.get("http://127.0.0.1:9/CERTIFICATE_VERIFY_FAILED")
    assert not is_untrusted(refused.value)
    assert not is_untrusted(httpx.ConnectError("CERTIFICATE_VERIFY_FAILED"))
