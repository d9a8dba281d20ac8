"""What image generators write into files, as patterns on field names and texts.

Patterns and not parsers: a hostile 100,000-fold nested JSON costs a search, not a crash. Each pattern takes time
proportional to the text. Each rule names the format it knows from files of that tool.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forensics.analyzers.tags.fields import Field, Tags


@dataclass(frozen=True)
class Match:
    """A generator that left its mark.

    Attributes:
        tool: its name, or the format's where several tools share one.
        field: where it was found.
        edit: True where only a part of the picture is said to be generated.
    """

    tool: str
    field: Field
    edit: bool = False


@dataclass(frozen=True)
class _Rule:
    """All patterns of a rule must occur, each searched by itself.

    One pattern that spans text (`Steps: .{0,4000}Version:`) costs its span at each start: minutes on hostile text.
    """

    tool: str
    key: str = ".*"
    texts: tuple[str, ...] = ()
    edit: bool = False

    def matches(self, field: Field) -> bool:
        name = field.key.rpartition("/")[2]
        return bool(re.fullmatch(self.key, name, re.I)) and all(re.search(t, field.text, re.I) for t in self.texts)


_PROGRAM = "software|creatortool|processingsoftware|originatingprogram|generator|encoder"
"""Fields that name the program that wrote the file."""
_SOFTWARE = f"{_PROGRAM}|make|model|source|credit|comment"
"""Where generators with a name of their own also sign. People called Sora have credits too: common words stay out."""
_DESCRIPTION = "description|comment"
_STEPS = r"\bSteps: \d{1,9}, "

_RULES = (
    # What `unforged generate sample` writes: its forgeries rest on no AI, so their source type alone does not tell.
    _Rule("the generators of unforged", key=_DESCRIPTION, texts=(r"\AMade by the unforged generator \S",)),
    _Rule(
        "the generators of unforged", key=_DESCRIPTION, texts=(r"\AAltered by the unforged generator \S",), edit=True
    ),
    _Rule("SwarmUI", texts=(r'"sui_image_params"',)),
    _Rule("Fooocus", key="fooocus_scheme"),
    _Rule("Fooocus", texts=(r'"(adm_guidance|fooocus_scheme)"|\bVersion: Fooocus',)),
    _Rule("InvokeAI", key="invokeai_(metadata|graph|workflow)|sd-metadata|dream"),
    _Rule("NovelAI", key="software|source", texts=(r"\bNovelAI\b",)),
    _Rule("Draw Things", key=_SOFTWARE, texts=(r"\bDraw Things\b",)),
    _Rule("Easy Diffusion", texts=(r'"use_stable_diffusion_model"',)),
    _Rule("SD.Next", texts=(r"\bSteps: \d{1,9}\b", r"\bApp: SD\.Next\b")),
    _Rule("Civitai", texts=(r"\bSteps: \d{1,9}\b", r"\bCivitai (resources|metadata):")),
    _Rule("Stable Diffusion WebUI Forge", texts=(_STEPS, r"\bVersion: (f\d|neo|forge|reforge)")),
    _Rule("Stable Diffusion WebUI format", texts=(_STEPS, r"\b(Sampler|CFG scale|Seed): ")),
    _Rule("ComfyUI", texts=(r'"class_type"\s{0,9}:\s{0,9}"|"(last_node_id|last_link_id)"\s{0,9}:',)),
    _Rule("ComfyUI", key="prompt|workflow", texts=(r"\A\s{0,99}[\[{]", r'"(inputs|nodes|seed)"\s{0,9}:')),
    _Rule("Midjourney", key="description|imagedescription|comment", texts=(r"\bJob ID: [0-9a-f]{8}-[0-9a-f]{4}-",)),
    _Rule("Midjourney", key=_SOFTWARE, texts=(r"\bMidjourney\b",)),
    _Rule("Adobe Firefly", key=_SOFTWARE, texts=(r"\bAdobe ?Firefly\b",)),
    _Rule("DALL-E", key=_SOFTWARE, texts=(r"\bDALL[·. -]?E\b",)),
    _Rule("OpenAI image generator", key=_PROGRAM, texts=(r"\b(OpenAI|ChatGPT|GPT-?4o|gpt-image)\b",)),
    _Rule("Google AI", key="credit|digitalsourcetype|description", texts=(r"\bMade with Google AI\b",)),
    _Rule(
        "Stable Diffusion",
        key=_SOFTWARE,
        texts=(r"\b(Stable ?Diffusion|SDXL|DreamStudio|Stability AI|DiffusionBee)\b",),
    ),
    _Rule(
        "an image generator",
        key=_PROGRAM,
        texts=(r"\b(Imagen \d|Ideogram|Leonardo\.?ai|NightCafe|Bing Image Creator)\b",),
    ),
    _Rule(
        "a video generator",
        key=_PROGRAM,
        texts=(r"\b(Runway Gen|Sora|Kling AI|Pika Labs|Hailuo|Dream Machine|Veo \d)\b",),
    ),
    _Rule("an AI generator", key="title", texts=(r"^AI generated image$",)),
    # GB 45438-2025 (China): a file made by AI carries AIGC = {"Label": "1", ...}; 2 and 3 are suspicions of platforms.
    _Rule("an AI generator, by the Chinese AIGC label", key="aigc", texts=(r'"Label"\s{0,9}:\s{0,9}"?1\b',)),
    _Rule(
        "an AI generator, by the Chinese AIGC label",
        texts=(r'"AIGC"\s{0,9}:\s{0,9}\{', r'"Label"\s{0,9}:\s{0,9}"?1\b'),
    ),
)

_SOURCE_TYPES = {
    "trainedalgorithmicmedia": ("generative AI, by its own declaration", False),
    "algorithmicmedia": ("an algorithm, by its own declaration", False),
    "compositewithtrainedalgorithmicmedia": ("an AI edit, by its own declaration", True),
    "compositesynthetic": ("a composite with synthetic parts, by its own declaration", True),
}
"""IPTC NewsCodes digitalsourcetype; the other codes are of capture, scan and plain editing."""

_STEALTH = (b"stealth_pnginfo", b"stealth_pngcomp", b"stealth_rgbinfo", b"stealth_rgbcomp")


def find(tags: Tags) -> list[Match]:
    """Generators named by the text fields, each tool once, in the order of the fields."""
    matches: dict[str, Match] = {}
    for field in tags.fields:
        name = field.key.rpartition("/")[2].lower()
        if name == "digitalsourcetype":
            code = re.split(r"[/:]", field.text[:500].rstrip("/"))[-1].strip().lower()
            if code in _SOURCE_TYPES:
                tool, edit = _SOURCE_TYPES[code]
                matches.setdefault(tool, Match(tool, field, edit))
        elif "edited with google ai" in field.text[:200].lower():
            matches.setdefault("Google AI edit", Match("Google AI edit", field, True))
        else:
            rule = next((r for r in _RULES if r.matches(field)), None)
            if rule is not None:
                matches.setdefault(rule.tool, Match(rule.tool, field, rule.edit))
    return list(matches.values())


def find_stealth(pixels: NDArray[np.uint8]) -> str:
    """The marker of text hidden in the lowest bits of the pixels (WebUI and NovelAI "stealth PNG info"), or "".

    Args:
        pixels: (H, W, 3 or 4) uint8 as stored. The bits run down the columns: of alpha, or of red, green, blue in turn.
    """
    n_bits = 8 * len(_STEALTH[0])
    planes = [pixels[..., :3]] + ([pixels[..., 3:4]] if pixels.shape[2] == 4 else [])
    for plane in planes:
        columns = -(-n_bits // (plane.shape[0] * plane.shape[2]))
        bits = plane[:, :columns].transpose(1, 0, 2).reshape(-1)[:n_bits] & 1
        text = np.packbits(bits).tobytes()
        if text in _STEALTH:
            return text.decode()
    return ""
