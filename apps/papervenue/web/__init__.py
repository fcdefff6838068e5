"""The venue's pages: giving an application access to one's accounts, and opening accounts."""
