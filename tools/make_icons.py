"""Makes the storyboard's data files: icons, the words that name them, and fonts.

Reads unpacked npm packages (`npm pack NAME && tar xf`) and one Debian font, all named in NOTICE:

- `@iconify-json/fluent-emoji-flat` 1.2.6: the icons (icons.json, chars.json, metadata.json)
- `emojibase-data` 17.0.0: English and Chinese labels and tags of the same emoji
- `@fontsource/fredoka` and `@fontsource/nunito` 5.3.0: lettering (Latin, Latin Extended, Cyrillic)
- `fonts-droid-fallback`: DroidSansFallbackFull.ttf, cut down to GB 2312 and kana

    python tools/make_icons.py PACKAGES_DIR FONT_TTF engine/renderer/storyboard/data

Needs fonttools and brotli, which the product itself does not.
"""

import gzip
import io
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import resvg_py
from fontTools import merge, subset
from fontTools.ttLib import TTFont
from PIL import Image

Icon = dict[str, Any]
SIDE = 96

SKIN_TONE = re.compile(r"-(dark|light|medium|medium-dark|medium-light)$")
# signs, letters and interface symbols are never a thing in a picture
NOT_A_THING = re.compile(
    r"button|-oclock|-thirty|-arrow|arrow-|keycap|^input-|flag-|-(circle|square|diamond)$|-sign$|no-|non-|mark$"
)
KEPT = frozenset(
    [
        "musical-note",
        "musical-notes",
        "high-voltage",
        "trident-emblem",
        "peace-symbol",
        "yin-yang",
        "red-heart",
        "sparkling-heart",
        "ghost",
        "alien",
        "alien-monster",
        "robot",
        "clown-face",
        "skull",
        "collision",
        "dizzy",
        "love-letter",
        "cowboy-hat-face",
        "triangular-flag",
        "pirate-flag",
    ]
)
LEFT_OUT = ("Symbols", "Flags", "Smileys & Emotion")
GESTURE = re.compile(
    r"facing-right|gesturing|shrugging|-pouting|frowning|facepalm|tipping-hand|bowing|getting-|deaf|breast|"
    r"pregnant|finger|thumbs|palm-(up|down)|palms-|[sd]-hand$|hand-with|-hands$|fist|kneeling|white-cane|bust|restroom|^eyes?$|^ears?$|^ear-with|^nose$|^mouth$|^tongue$|^leg$|^foot$|lungs|biceps|selfie|speaking-head|biting|hair-pick|^lip|mens-room|womens-room"
)


def main(packages: Path, cjk_font: Path, out: Path) -> None:
    """Writes icons.json.gz, words.json.gz and the fonts into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    icons, char_of = read_icons(next(packages.glob("iconify-json-fluent-emoji-flat-*/package")))
    write_json(out / "icons.json.gz", icons)
    emojibase = next(packages.glob("emojibase-data-*/package"))
    words = {
        "en": read_words(emojibase / "en" / "data.json", char_of, tags=False),
        "zh": read_words(emojibase / "zh" / "data.json", char_of, tags=True),
    }
    write_json(out / "words.json.gz", words)
    for family, weight, name in (("nunito", 700, "Label"), ("fredoka", 600, "Display")):
        files = next(packages.glob(f"fontsource-{family}-*/package")) / "files"
        make_latin(files, family, weight, out / f"{name}.ttf")
    make_cjk(cjk_font, out / "Han.ttf")


def read_icons(package: Path) -> tuple[dict[str, Icon], dict[str, str]]:
    """The SVG body of each icon that can be a thing, and the code points each stands for."""
    bodies = {name: icon["body"] for name, icon in read_json(package / "icons.json")["icons"].items()}
    categories = read_json(package / "metadata.json")["categories"]
    left_out = {name for category in LEFT_OUT for name in categories[category]}
    kept = {
        name: describe(body)
        for name, body in bodies.items()
        if name in KEPT
        or not (name in left_out or any(rule.search(name) for rule in (SKIN_TONE, NOT_A_THING, GESTURE)))
    }
    chars = read_json(package / "chars.json")
    return kept, {name: code for code, name in chars.items() if name in kept}


def describe(body: str) -> Icon:
    """An icon with the box its ink fills, in its own 32 units, and its most frequent colour."""
    size = f'viewBox="0 0 32 32" width="{SIDE}" height="{SIDE}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{body}</svg>'
    image = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True))))
    left, top, right, bottom = image.getchannel("A").getbbox() or (0, 0, SIDE, SIDE)
    box = [round(value * 32 / SIDE, 2) for value in (left, top, right - left, bottom - top)]
    solid = [pixel for count, pixel in image.getcolors(SIDE * SIDE) if pixel[3] == 255 for _ in range(count)]
    main = Counter(solid).most_common(1)[0][0] if solid else (128, 128, 128, 255)
    return {"body": body, "box": box, "main": "#{:02x}{:02x}{:02x}".format(*main[:3])}


def read_words(file: Path, char_of: dict[str, str], *, tags: bool) -> dict[str, str]:
    """Which icon each word or short phrase names: its name, its label, and a tag that no other icon has.

    English tags name feelings and puns as often as things, so they are not asked for there.
    """
    entries = {normal_code(entry["hexcode"]): entry for entry in read_json(file)}
    by_label: dict[str, str] = {}
    by_tag: dict[str, list[str]] = defaultdict(list)
    for name, code in char_of.items():
        entry = entries.get(normal_code(code), {"label": name})
        own = () if tags else (name.replace("-", " "),)
        for label in (*own, entry["label"].lower().replace(" face", "")):
            by_label.setdefault(label, name)
        for tag in entry.get("tags", ()):
            by_tag[tag.lower()].append(name)
    unique = {tag: names[0] for tag, names in by_tag.items() if tags and len(names) == 1 and len(tag) > 1}
    return dict(sorted({**unique, **by_label}.items()))


def normal_code(code: str) -> str:
    """A code point sequence without the presentation selector, in capitals."""
    return "-".join(part for part in code.upper().split("-") if part != "FE0F")


def make_latin(files: Path, family: str, weight: int, out: Path) -> None:
    """Joins the web-font pieces of one family into one file."""
    parts: list[str] = []
    for script in ("latin", "latin-ext", "cyrillic"):
        source = files / f"{family}-{script}-{weight}-normal.woff2"
        if source.exists():
            font = TTFont(source)
            font.flavor = None
            part = out.with_suffix(f".{script}.tmp")
            font.save(part)
            parts.append(str(part))
    font = merge.Merger().merge(parts)
    save_subset(font, set(font.getBestCmap()), out)
    for part in parts:
        Path(part).unlink()


def make_cjk(source: Path, out: Path) -> None:
    """Cuts the fallback font to GB 2312, kana, and what Chinese prints around them."""
    save_subset(TTFont(source), set(gb2312()), out)


def gb2312() -> Iterator[int]:
    """The code points of GB 2312 and kana."""
    yield from range(0x3000, 0x3100)
    yield from range(0xFF00, 0xFFE0)
    for row in range(0xB0, 0xF8):
        for cell in range(0xA1, 0xFF):
            character = bytes((row, cell)).decode("gb2312", "ignore")
            if character:
                yield ord(character)


def save_subset(font: TTFont, code_points: Iterable[int], out: Path) -> None:
    """Saves what the code points need, without hints."""
    options = subset.Options(hinting=False, layout_features=["kern", "liga"], notdef_outline=True)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=code_points)
    subsetter.subset(font)
    font.recalcTimestamp = False
    font["head"].created = font["head"].modified = 0  # the same file each time
    font.save(out)


def read_json(file: Path) -> Any:
    """A JSON file's value."""
    return json.loads(file.read_text(encoding="utf-8"))


def write_json(file: Path, value: object) -> None:
    """JSON, packed the same way each time (no time stamp)."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    file.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
