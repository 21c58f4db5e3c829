"""Recordings: folders of exchanges, and their replay. They are made by `recorder`."""
