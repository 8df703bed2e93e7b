"""What is remembered: conversations, turns, revisions and their pictures, in a database and in files."""
