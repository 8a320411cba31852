"""Clips: videos, folders of frames and image sequences, read one frame after another."""
