"""The world around the model: cameras, files, and people at a keyboard. One command a file."""
