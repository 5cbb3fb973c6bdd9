"""The builder of easy-VQA for TensorFlow Datasets; it is not imported by `import fusionkeras`."""

from fusionkeras.datasets.easy_vqa.easy_vqa import EasyVqa

__all__ = ["EasyVqa"]
