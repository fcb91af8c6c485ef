"""Sheets: the pictures of the documentation, each made by one command: `xiaolu sheet NAME --out FILE.webp`."""
