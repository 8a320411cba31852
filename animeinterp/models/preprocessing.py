"""What the weights that others distribute expect of colours.

References
----------
.. [1] torchvision's model zoo, `VGG19_Weights.IMAGENET1K_V1`.
.. [2] R. Zhang et al., package `lpips` 0.1.4.
"""

# Mean and standard deviation of ImageNet's RGB values, with which torchvision's weights were trained; [1].
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# The same for images in -1..1, as rounded by [2].
LPIPS_SHIFT = (-0.030, -0.088, -0.188)
LPIPS_SCALE = (0.458, 0.448, 0.450)
