"""Writes Tests/Fixtures/augmentation: colour changes and rotations by torchvision on Pillow images.

    python Tests/Oracles/augmentation.py TORCHVISION_FOLDER Tests/Fixtures/augmentation TORCHVISION_VERSION

TORCHVISION_FOLDER holds torchvision/transforms/_functional_pil.py (unzip the wheel); torch itself is not needed:
stubs stand for it, for the functions used work on Pillow images alone. Needs pillow, numpy, safetensors.
"""

import importlib.util
import json
import sys
import types
from pathlib import Path

import numpy
import PIL
from PIL import Image
from safetensors.numpy import save_file

source, target = Path(sys.argv[1]), Path(sys.argv[2])
def stub(name, **members):
    module = types.ModuleType(name)
    module.__path__ = []
    vars(module).update(members)
    sys.modules[name] = module


stub("torch", Tensor=type("Tensor", (), {}), jit=types.SimpleNamespace(unused=lambda f: f))
stub("torchvision")
stub("torchvision.utils", _Image_fromarray=lambda array, mode: Image.fromarray(array))
stub("torchvision.transforms")
spec = importlib.util.spec_from_file_location(
    "torchvision.transforms._functional_pil",
    source / "torchvision/transforms/_functional_pil.py")
functional = importlib.util.module_from_spec(spec)
spec.loader.exec_module(functional)

random = numpy.random.default_rng(39011)
pictures = {
    "noise": random.integers(0, 256, (23, 31, 3), dtype=numpy.uint8),
    "square": random.integers(0, 256, (16, 16, 3), dtype=numpy.uint8),
    # Every hue, saturated and pale, dark and bright, and all greys.
    "ramp": numpy.stack([
        numpy.add.outer(numpy.arange(40) * 13, numpy.arange(64) * 4) % 256,
        numpy.add.outer(numpy.arange(40) * 5, numpy.arange(64) * 7) % 256,
        numpy.add.outer(numpy.arange(40) * 3, numpy.arange(64)) % 256,
    ], axis=-1).astype(numpy.uint8),
    "grey": numpy.repeat(numpy.arange(256, dtype=numpy.uint8).reshape(16, 16, 1), 3, axis=2),
}
factors = [0.0, 0.25, 0.6180339887, 1.0, 1.3, 2.75]
changes = {
    "brightness": (functional.adjust_brightness, factors),
    "contrast": (functional.adjust_contrast, factors),
    "saturation": (functional.adjust_saturation, factors),
    "hue": (functional.adjust_hue, [-0.5, -0.31, -0.002, 0.0, 0.1, 0.25, 0.5]),
    "nearest": (lambda image, angle: functional.rotate(image, angle, Image.NEAREST), None),
    "bilinear": (lambda image, angle: functional.rotate(image, angle, Image.BILINEAR), None),
}
angles = [-180.0, -90.0, -33.3, -1.5, 0.0, 7.25, 45.0, 90.0, 123.456, 180.0]

tensors, cases = {}, []
for picture, pixels in pictures.items():
    tensors[picture] = pixels
    for change, (function, values) in changes.items():
        for value in values or angles:
            name = f"{picture}.{change}.{len(cases)}"
            result = function(Image.fromarray(pixels), value)
            tensors[name] = numpy.ascontiguousarray(numpy.asarray(result))
            cases.append({"picture": picture, "change": change, "value": value, "name": name})

target.mkdir(parents=True, exist_ok=True)
save_file(tensors, target / "io.safetensors")
(target / "config.json").write_text(json.dumps({"cases": cases}, indent=1) + "\n")
(target / "README.md").write_text(f"""# augmentation
torchvision {sys.argv[3]} (`transforms/_functional_pil.py`), Pillow {PIL.__version__}, numpy {numpy.__version__}; written by `Tests/Oracles/augmentation.py`, seed 39011.
`<picture>` uint8 (height, width, 3); each case of config.json: `change` (brightness, contrast, saturation, hue: the factor; nearest, bilinear: rotation in degrees, counter-clockwise) of `picture` by `value` gives tensor `name`. Tolerance: none, every byte is equal.
""")
