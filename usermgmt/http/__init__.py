"""What every contract needs of HTTP and none owns; imports no app."""
