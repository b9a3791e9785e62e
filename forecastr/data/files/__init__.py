"""From whatever file a user names to one rectangular table of text and numbers."""
