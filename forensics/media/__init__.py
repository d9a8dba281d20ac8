"""One suspect file: its kind by content, its limits, its pixels and frames."""

from forensics.media.media import Frame, ImageInfo, Kind, Media, VideoInfo

__all__ = ["Frame", "ImageInfo", "Kind", "Media", "VideoInfo"]
