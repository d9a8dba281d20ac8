"""Text that travels with a picture: containers, EXIF, XMP, IPTC; and what it gives away."""
