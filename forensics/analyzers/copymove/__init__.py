"""The parts of copy-move detection: keypoints, geometry, regions."""
