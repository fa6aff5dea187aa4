"""What a folder of images is, at a glance and without a key."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from pixelveil.data.discover import list_images
from pixelveil.data.manifest import MANIFEST, NAMES, Manifest

__all__ = ["describe_folder"]


def describe_folder(path: Path) -> dict[str, Any]:
    """Return what a folder holds, as JSON values.

    Args:
        path: An encrypted folder, or a plain folder of images.

    Returns:
        "kind" ("encrypted data set" or "plain images") and the number of images, in all, by class and by group; for
        an encrypted one also how it was made. Nothing is verified.

    Raises:
        UsageError: It is no folder, or an unfinished job.
        IntegrityError: The manifest is damaged.
    """
    if (path / MANIFEST).exists() or (path / ".job").exists():
        return _describe_encrypted(path)
    listing = list_images(path)
    return {
        "kind": "plain images",
        "images": len(listing.sources),
        "classes": dict(sorted(Counter(one.label or "" for one in listing.sources).items())),
        "groups": dict(sorted(Counter(one.group for one in listing.sources).items())),
        "other_files": listing.ignored,
        "refused_links": len(listing.refused),
    }


def _describe_encrypted(path: Path) -> dict[str, Any]:
    manifest = Manifest.open(path)
    header, footer = manifest.header, manifest.footer()
    classes: Counter[str] = Counter()
    groups: Counter[str] = Counter()
    shapes: Counter[str] = Counter()
    for row in manifest.rows():
        classes["" if row.label is None else header.classes[row.label]] += 1
        groups[row.group] += 1
        shapes["x".join(map(str, row.encrypted_shape))] += 1
    return {
        "kind": "encrypted data set",
        "format": header.format,
        "tool": header.tool,
        "scheme": header.scheme,
        "parameters": header.parameters,
        "scheme_digest": header.digest,
        "key_policy": header.key_policy,
        "key_fingerprint": header.fingerprint,
        "epoch": header.epoch,
        "storage": header.storage,
        "dtype": header.dtype,
        **({} if header.quality is None else {"quality": header.quality, "subsampling": header.subsampling}),
        "images": footer.images,
        "rejected": footer.rejected,
        "classes": dict(sorted(classes.items())),
        "classes_hidden": header.classes_hidden,
        "groups": dict(sorted(groups.items())),
        "shapes": dict(shapes.most_common()),
        "sealed_names": (path / NAMES).is_file(),
    }
