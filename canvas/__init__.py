"""The Canvas language: reading, writing, laying out and comparing scenes."""
