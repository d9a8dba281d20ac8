"""Small media that analyzers and detectors are checked on: usual, odd, hostile and broken ones, made when asked for."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

Pixels = NDArray[np.uint8]

HOSTILE_TEXT = "castle\x1b[31m\r\n<script>alert(1)</script>\u202e\nSteps: 20, Sampler: Euler, Seed: 1, Size: 320x240"
"""Settings of a generator with what steers terminals, pages and reading direction."""

N_CLIP_FRAMES = 24
CLIP_FPS = 12


def picture(seed: int, *, width: int = 320, height: int = 240) -> Pixels:
    """A picture with texture at every scale, an edge and sensor-like noise.

    Args:
        seed: another seed, another picture.
        width, height: size in pixels.

    Returns:
        (height, width, 3) uint8.
    """
    rng = np.random.default_rng(seed)
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]).clip(1 / max(width, height))
    white = np.fft.rfft2(rng.normal(size=(3, height, width)))
    texture = np.fft.irfft2(white / radius, s=(height, width))
    scene = 120 + 40 * texture / texture.std()
    scene[:, height // 3 : height // 2, width // 4 : width // 2] += 50
    scene += rng.normal(0, 2, scene.shape)
    pixels: Pixels = np.clip(np.rint(scene), 0, 255).astype(np.uint8)  # (3, H, W)
    return np.ascontiguousarray(pixels.transpose(1, 2, 0))


@cache
def specimens() -> Mapping[str, bytes]:
    """File name -> content. The names are for messages; what a file is, its content decides."""
    shot = picture(1)
    copied = shot.copy()
    copied[140:220, 200:300] = shot[20:100, 30:130]
    turned = Image.Exif()
    turned[0x0112] = 6  # upright after a quarter turn: the stored picture lies on its side
    hostile = PngInfo()
    hostile.add_text("parameters", HOSTILE_TEXT)
    made = {
        "photo.jpg": _encoded(shot, "JPEG", quality=88),
        "copied_part.jpg": _encoded(copied, "JPEG", quality=93),
        "on_its_side.jpg": _encoded(picture(2), "JPEG", quality=90, exif=turned.tobytes()),
        "hostile_text.png": _encoded(picture(3), "PNG", pnginfo=hostile),
        "grey.webp": _encoded(np.repeat(picture(4)[..., :1], 3, axis=2), "WEBP", quality=80),
        "flat.png": _encoded(np.full((128, 160, 3), 255, np.uint8), "PNG"),
        "dot.png": _encoded(np.zeros((1, 1, 3), np.uint8), "PNG"),
        "strip.png": _encoded(picture(5, width=400, height=9), "PNG"),
        "broken_metadata.jpg": _encoded(
            picture(8), "JPEG", quality=75, exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x9c" * 300
        ),
        "moving.gif": _animation(),
        "clip.mp4": _clip(),
    }
    return MappingProxyType(made)


def _encoded(pixels: Pixels, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, form, **options)
    return out.getvalue()


def _animation() -> bytes:
    wide = picture(6, width=180, height=96)
    frames = [Image.fromarray(wide[:, x : x + 160]) for x in (0, 6, 12, 18)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=80)
    return out.getvalue()


def _clip() -> bytes:
    import av

    wide = picture(7, width=160 + 2 * N_CLIP_FRAMES, height=96)
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        # Every build of FFmpeg has this encoder, H.264 is an extra.
        stream = container.add_stream("mpeg4", rate=CLIP_FPS)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for i in range(N_CLIP_FRAMES):
            pixels = np.ascontiguousarray(wide[:, 2 * i : 2 * i + 160])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return out.getvalue()
