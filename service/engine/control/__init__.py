"""Control of a sweep that exists: run, extend, remove, pause, resume, stop, cancel."""
