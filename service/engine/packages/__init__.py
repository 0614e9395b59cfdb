"""The code of users as packages: kept by their hash, unpacked with care."""
