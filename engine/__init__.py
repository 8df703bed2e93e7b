"""Composing and painting: the one path of a request, its events, and the backends that do the work."""
