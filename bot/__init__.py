"""The adapters: the chat page, the command line, and the words of every language."""
