"""Media with known truth, made at test time: photo-like pictures, JPEG chains, clips. No file is shipped or fetched."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

TICK = Fraction(1, 90_000)
"""Unit of time stamps that are set by hand, as in MPEG."""


def photo(
    seed: int, *, width: int = 768, height: int = 576, noise: float = 2.0, prnu: NDArray[np.float32] | None = None
) -> Pixels:
    """A picture with the statistics forensics relies on: 1/f texture, edges, lens blur, a Bayer sensor and its noise.

    Args:
        seed: another seed, another scene.
        width, height: size in pixels, even.
        noise: standard deviation of the sensor noise at mid grey, in 8-bit steps.
        prnu: (height, width) float, the sensor's fixed pattern as a relative gain; None for a perfect sensor.

    Returns:
        (height, width, 3) uint8.
    """
    rng = np.random.default_rng(seed)
    return exposed(_scene(rng, width, height), rng, noise=noise, prnu=prnu)


def exposed(
    scene: NDArray[np.float32], rng: np.random.Generator, *, noise: float = 2.0, prnu: NDArray[np.float32] | None = None
) -> Pixels:
    """What a camera takes of a scene (height, width, 3) of even sides, 0..255; see `photo`."""
    height, width = scene.shape[:2]
    scene = cv2.GaussianBlur(scene, (0, 0), 0.7)
    if prnu is not None:
        scene = scene * (1.0 + prnu[..., None])
    # Bayer sampling with shot noise, then demosaicing: neighbouring pixels come out correlated, as in a camera.
    bayer = np.zeros((height, width), np.float32)
    for (y, x), channel in {(0, 0): 0, (0, 1): 1, (1, 0): 1, (1, 1): 2}.items():
        bayer[y::2, x::2] = scene[y::2, x::2, channel]
    bayer += rng.normal(0, 1, bayer.shape).astype(np.float32) * noise * np.sqrt(np.maximum(bayer, 8.0) / 128.0)
    sixteen = np.clip(bayer * 256, 0, 65535).astype(np.uint16)
    rgb = cv2.cvtColor(sixteen, cv2.COLOR_BayerBG2RGB).astype(np.float32) / 256
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def prnu_pattern(seed: int, *, width: int = 768, height: int = 576, strength: float = 0.01) -> NDArray[np.float32]:
    """A sensor's fixed pattern (height, width): white, zero mean, `strength` as relative standard deviation."""
    # The salt keeps sensor and scene of one seed apart: a pattern that leaks into the scene would match any camera.
    return np.random.default_rng((seed, 1)).normal(0, strength, (height, width)).astype(np.float32)


def jpeg(pixels: Pixels, quality: int = 90, *, subsampling: int = 2, exif: bytes = b"") -> bytes:
    """Encode as JPEG; subsampling 0 is 4:4:4, 2 is 4:2:0."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality, subsampling=subsampling, exif=exif)
    return out.getvalue()


def png(pixels: Pixels, text: dict[str, str] | None = None) -> bytes:
    """Encode as PNG with text chunks."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for key, value in (text or {}).items():
        info.add_text(key, value)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def decode(data: bytes) -> Pixels:
    """Any image Pillow reads -> (H, W, 3) uint8."""
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert("RGB"))


def moving_scene(seed: int, n: int, *, width: int = 320, height: int = 240, noise: float = 2.0) -> list[Pixels]:
    """n frames of a camera panning over one scene, each with fresh noise."""
    wide = photo(seed, width=width + 2 * n + 2, height=height, noise=0.0)
    return panned(wide, n, np.random.default_rng(seed), width=width, noise=noise)


def panned(wide: Pixels, n: int, rng: np.random.Generator, *, width: int, noise: float = 2.0) -> list[Pixels]:
    """n frames of a picture of at least width + 2 * n columns, two columns on each time, with fresh noise."""
    height, frames = len(wide), []
    for i in range(n):
        view = wide[:, 2 * i : 2 * i + width].astype(np.float32) + rng.normal(0, noise, (height, width, 3))
        frames.append(np.clip(np.rint(view), 0, 255).astype(np.uint8))
    return frames


def clip(
    path: Path,
    frames: list[Pixels],
    *,
    fps: int = 25,
    codec: str = "libx264",
    bit_rate: int = 1_500_000,
    gop: int = 12,
    times_s: list[float] | None = None,
) -> Path:
    """Encode frames as a video; the container follows the file's ending.

    Args:
        path: to write.
        frames: equally large, sides even.
        fps: frame rate.
        codec, bit_rate, gop: encoder, bits a second, frames from key frame to key frame.
        times_s: time stamp of each frame; None for even ones by `fps`.
    """
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = bit_rate
        stream.codec_context.gop_size = gop
        if times_s is not None:
            stream.codec_context.time_base = TICK
        for i, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if times_s is not None:
                frame.pts, frame.time_base = round(times_s[i] / TICK), TICK
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _scene(rng: np.random.Generator, width: int, height: int) -> NDArray[np.float32]:
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    radius = np.maximum(np.hypot(fy, fx), 1.0 / max(width, height))
    scene = np.empty((height, width, 3), np.float32)
    shared = rng.normal(size=(height, width))
    for channel in range(3):
        white = 0.8 * shared + 0.4 * rng.normal(size=(height, width))
        field = np.fft.irfft2(np.fft.rfft2(white) / radius**1.1, s=(height, width))
        scene[..., channel] = 118 + 38 * field / field.std()
    for _ in range(14):
        color = tuple(float(c) for c in rng.uniform(20, 235, 3))
        center = (int(rng.integers(width)), int(rng.integers(height)))
        axes = (int(rng.integers(width // 30, width // 8)), int(rng.integers(height // 30, height // 8)))
        shape = cv2.ellipse(
            np.zeros((height, width), np.uint8), center, axes, float(rng.uniform(0, 180)), 0, 360, 1, -1
        )
        inside = shape > 0
        scene[inside] = 0.55 * scene[inside] + 0.45 * np.array(color, np.float32)
    return np.clip(scene, 2, 250)
