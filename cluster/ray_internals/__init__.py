"""Every use of Ray that its documentation does not promise: private names, words meant for people, the order of calls.

One file for each theme; nothing of Ray is imported here before it is needed. Each function says what it does where a
version of Ray lacks what it uses: it answers with less (`excused`), or refuses with the version and a cure (`refused`).
`scripts/try_ray VERSION` runs the tests of all of it with another Ray.
"""
