"""Recipes for open detectors that are often asked for: what their authors' files leave unsaid.

Facts, not weights: none of these networks ships with the toolkit, and none was measured by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from detectors.outside.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from detectors.outside.reading import Reading

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""RGB statistics of Radford et al., ICML 2021."""


@dataclass(frozen=True)
class Recipe:
    """What has to be known of a detector besides its weights.

    Attributes:
        about: what it is, in one sentence.
        source: paper, and the public file that the facts were read in.
        architecture: timm's name; "" where the folder says it.
        preprocessing: None where the folder says it.
        reading: None where the folder says it.
        needs_probe: whether a linear probe comes in a file of its own.
        licence: as its authors state it, "" where it differs from model to model.
    """

    about: str
    source: str
    architecture: str = ""
    preprocessing: Preprocessing | None = None
    reading: Reading | None = None
    needs_probe: bool = False
    licence: str = ""


_COMMUNITY = (
    "Park, Owens, Community Forensics: Using Thousands of Generators to Train Fake Image Detectors, CVPR 2025; "
    "models.py of JeongsooP/Community-Forensics at 5e52ed69; weights OwensLab/commfor-model-{}"
)

RECIPES: Mapping[str, Recipe] = {
    "community-forensics-384": Recipe(
        "ViT-S/16 trained on pictures of thousands of generators; one output, a logit of being generated.",
        _COMMUNITY.format(384),
        "vit_small_patch16_384.augreg_in21k_ft_in1k",
        Preprocessing(384, "shorter", 440, "bilinear", IMAGENET_MEAN, IMAGENET_STD),
        Reading(("fake",), ("fake",)),
        licence="MIT, as the hub states it",
    ),
    "community-forensics-224": Recipe(
        "The smaller one of the two, for pictures of 224 pixels.",
        _COMMUNITY.format(224),
        "vit_small_patch16_224.augreg_in21k_ft_in1k",
        Preprocessing(224, "shorter", 256, "bilinear", IMAGENET_MEAN, IMAGENET_STD),
        Reading(("fake",), ("fake",)),
        licence="MIT, as the hub states it",
    ),
    "univfd": Recipe(
        "A linear probe of the joint features of OpenAI's CLIP ViT-L/14: tower and probe are two files. The middle 224 "
        "pixels are looked at, not resized.",
        "Ojha, Li, Lee, Towards Universal Fake Image Detectors that Generalize Across Generative Models, CVPR 2023; "
        "validate.py of WisconsinAIVision/UniversalFakeDetect at 3bf72282",
        "vit_large_patch14_clip_quickgelu_224.openai",
        Preprocessing(224, "none", 224, "bicubic", CLIP_MEAN, CLIP_STD),
        Reading(("fake",), ("fake",)),
        needs_probe=True,
    ),
    "image-classifier": Recipe(
        "ViT, Swin, Swin V2 or SigLIP classifiers of the transformers library, or any of timm's, whose folder says "
        "everything: labels such as artificial and human, Realism and Deepfake, ai and hum are understood.",
        "config.json and preprocessor_config.json of the folder itself",
    ),
}
