"""Data sets: named pictures with masks of class ids."""

from unet_core.data.base import ClassInfo, Dataset, Sample

__all__ = ["ClassInfo", "Dataset", "Sample"]
