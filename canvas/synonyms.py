"""The words that people and models write in place of the language's names: the one place where they stand.

Only data. `canvas.reading` says how they are read; the names themselves are in `canvas.names`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeVar

_Value = TypeVar("_Value")

Direction = tuple[int, int]
"""(x, y): -1 is left or up, 1 is right or down, 0 is neither."""


def _spread(groups: Mapping[str, _Value]) -> Mapping[str, _Value]:
    """One entry for each of the words that share a value."""
    return MappingProxyType({word: value for words, value in groups.items() for word in words.split()})


PLACE_WORDS: Final[Mapping[str, Direction]] = _spread(
    {
        "left leftmost leftward leftwards leftside lefthand west western 左": (-1, 0),
        "right rightmost rightward rightwards rightside righthand east eastern 右": (1, 0),
        "top topmost upper uppermost up upward upwards above": (0, -1),
        "higher high over overhead north northern": (0, -1),
        "上 顶 頂 高处": (0, -1),
        "bottom bottommost lower lowermost low down downward downwards": (0, 1),
        "below beneath under underneath": (0, 1),
        "south southern base foot 下 底 低处": (0, 1),
        "center centre centered centred central centrally middle mid midpoint midst core": (0, 0),
        "everywhere throughout whole entire full fullscreen across 中 全": (0, 0),
        "northwest nw tl": (-1, -1),
        "northeast ne tr": (1, -1),
        "southwest sw bl": (-1, 1),
        "southeast se br": (1, 1),
    }
)
"""Words that name a place in the picture outright."""

DEPTH_WORDS: Final[Mapping[str, Direction]] = _spread(
    {
        # what is far stands high in a picture, what is near stands low
        "background backdrop back behind sky horizon heaven ceiling 背景 后 後 天": (0, -1),
        "foreground front ground floor near closest 前景 前 地": (0, 1),
    }
)
"""Words that hint at a height; a place word for the same axis outweighs them."""

NO_OFFSET_WORDS: Final[Mapping[str, Direction]] = _spread(
    {"0 no none not zero null nil na without nothing default exactly 无 無 没 不": (0, 0)}
)
"""Words that, standing first, deny an offset."""

SIZE_WORDS: Final[Mapping[str, str]] = _spread(
    {
        "small tiny little mini minor miniature smaller smallest petite compact s xs": "small",
        "小 微": "small",
        "medium mid middle midsize midsized normal average moderate regular standard m": "medium-sized",
        "中": "medium-sized",
        "large big huge giant gigantic enormous massive vast immense great grand larger": "large",
        "largest bigger biggest full whole entire fullscreen l xl xxl": "large",
        "大 巨 全": "large",
    }
)

SHAPE_WORDS: Final[Mapping[str, str]] = _spread(
    {
        "square squarish quadratic round rounded circle circular box boxy equal oval": "square",
        "方 圆 圓": "square",
        "vertical vertically tall taller portrait upright column columnar high height": "vertical",
        "narrow slim slender thin standing": "vertical",
        "竖 豎 纵 縱 高 直 窄": "vertical",
        "horizontal horizontally wide wider width landscape broad panoramic panorama": "horizontal",
        "widescreen long strip band banner flat row": "horizontal",
        "横 橫 宽 寬 扁 长 長": "horizontal",
    }
)

COLOR_SHADES: Final[Mapping[str, tuple[float, float]]] = _spread(
    {
        "dark darker deep deeper shadowy 深 暗 墨": (-0.4, 0.65),
        "light lighter pale paler faint pastel powder baby 浅 淺 淡 嫩": (0.5, 0.6),
        "bright vivid vibrant neon electric strong pure brilliant 亮 鲜 鮮 纯": (0.1, 1.3),
        "dull muted dusty soft faded desaturated washed smoky 暗淡 灰暗": (0.0, 0.5),
        "medium mid 中": (0.0, 1.0),
    }
)
"""What an adjective does to a colour: the way to black (-1) or white (1), and the factor of CIELAB chroma."""

BASIC_COLORS: Final[Mapping[str, tuple[int, int, int]]] = _spread(
    {
        "red reddish 红 紅 赤": (255, 0, 0),
        "orange orangish orangey 橙 橘 桔": (255, 165, 0),
        "yellow yellowish 黄 黃": (255, 255, 0),
        "green greenish 绿 綠": (0, 128, 0),
        "cyan 青": (0, 255, 255),
        "blue bluish blueish 蓝 藍": (0, 0, 255),
        "purple purplish 紫": (128, 0, 128),
        "pink pinkish 粉 粉红 粉紅": (255, 192, 203),
        "brown brownish 棕 褐": (150, 75, 0),
        "black blackish 黑": (0, 0, 0),
        "gray grey grayish greyish 灰": (128, 128, 128),
        "white whitish 白": (255, 255, 255),
    }
)
"""Hues that a more particular word beside them outweighs: ruby red is ruby."""

# sRGB as the words are commonly pictured; the reader takes the nearest name of the language
COLOR_WORDS: Final[Mapping[str, tuple[int, int, int]]] = _spread(
    {
        # reds and pinks
        "scarlet vermilion vermillion 朱红 朱 绯": (255, 36, 0),
        "burgundy claret wine oxblood bordeaux 酒红 酒紅": (120, 0, 16),
        "ruby 宝石红": (200, 16, 70),
        "cherry": (222, 28, 60),
        "blood bloodred 血红": (138, 3, 3),
        "brick brickred 砖红": (178, 50, 40),
        "rust rusty terracotta 铁锈": (183, 65, 14),
        "copper 铜": (184, 115, 51),
        "rose rosy 玫瑰 玫红": (255, 0, 127),
        "raspberry": (227, 11, 93),
        "strawberry": (252, 90, 141),
        "watermelon": (252, 108, 133),
        "blush 腮红": (255, 200, 205),
        "rosegold": (222, 170, 160),
        "flamingo": (252, 142, 172),
        "bubblegum": (255, 140, 200),
        "peach peachy apricot 桃 杏": (255, 203, 164),
        "fuschia 桃红 品红": (255, 0, 255),
        "珊瑚": (255, 127, 80),
        "三文鱼": (250, 128, 114),
        "火砖": (178, 34, 34),
        # oranges, yellows, browns
        "amber 琥珀": (255, 191, 0),
        "tangerine clementine": (242, 133, 0),
        "pumpkin carrot": (245, 118, 26),
        "fire fiery flame": (240, 80, 20),
        "sunset": (250, 130, 80),
        "golden golder 金": (255, 215, 0),
        "mustard 芥末": (218, 165, 32),
        "ochre ocher": (204, 119, 34),
        "lemon lemony 柠檬": (255, 244, 79),
        "canary": (255, 239, 0),
        "sunny sunshine sunflower": (255, 215, 20),
        "honey caramel": (220, 150, 50),
        "butter buttery": (255, 245, 160),
        "cream creamy vanilla 奶油 奶白": (255, 253, 208),
        "eggshell offwhite 米白": (250, 245, 230),
        "champagne 香槟": (247, 231, 206),
        "sand sandy 沙": (230, 200, 150),
        "camel fawn 驼": (193, 154, 107),
        "bronze 青铜": (205, 127, 50),
        "chestnut 栗": (149, 69, 53),
        "coffee mocha espresso 咖啡": (111, 78, 55),
        "chocolatey cocoa 巧克力": (123, 63, 0),
        "cinnamon": (210, 105, 30),
        "mahogany": (120, 45, 20),
        "auburn": (165, 42, 42),
        "umber sepia walnut": (112, 66, 20),
        "wood wooden": (160, 110, 60),
        "taupe": (139, 125, 115),
        "skin flesh nude 肤": (241, 194, 160),
        "米": (245, 245, 220),
        "象牙": (255, 255, 240),
        "卡其": (195, 176, 145),
        # greens
        "emerald 翠绿 翠": (80, 200, 120),
        "jade 玉": (0, 168, 107),
        "mint minty 薄荷": (170, 240, 209),
        "sage": (156, 175, 136),
        "moss mossy": (120, 135, 70),
        "pistachio": (147, 197, 114),
        "avocado": (86, 130, 3),
        "forest": (34, 139, 34),
        "墨绿 墨綠 深绿 深綠": (0, 100, 0),
        "grass grassy 草绿": (110, 180, 40),
        "pine hunter bottlegreen": (20, 80, 50),
        "army military 军绿": (75, 83, 32),
        "fern leaf": (79, 121, 66),
        "橄榄": (128, 128, 0),
        # blues
        "cobalt 钴蓝": (0, 71, 171),
        "sapphire 宝蓝 宝石蓝": (15, 82, 186),
        "cerulean": (0, 123, 167),
        "ultramarine 群青": (40, 10, 150),
        "denim jeans": (60, 95, 150),
        "ocean sea marine 海蓝": (0, 105, 148),
        "ice icy glacier": (215, 240, 250),
        "sky 天蓝 天藍": (135, 206, 235),
        "babyblue": (137, 207, 240),
        "湖蓝": (48, 180, 215),
        "bluegreen greenblue bluishgreen greenishblue petrol 蓝绿 青绿": (0, 128, 128),
        "bluegray bluegrey grayblue greyblue 蓝灰": (112, 135, 160),
        "prussian": (0, 49, 83),
        "藏青 藏蓝 深蓝": (0, 0, 110),
        "periwinkle": (180, 185, 245),
        # purples
        "lilac 丁香": (200, 162, 200),
        "mauve": (200, 160, 200),
        "amethyst": (153, 102, 204),
        "grape": (111, 45, 168),
        "eggplant aubergine 茄": (97, 64, 81),
        "wisteria": (201, 160, 220),
        "mulberry": (160, 50, 100),
        "redviolet": (199, 21, 133),
        "紫罗兰": (238, 130, 238),
        "薰衣草": (200, 180, 240),
        "靛 靛蓝": (75, 0, 130),
        # greys
        "charcoal 炭 炭灰": (54, 69, 79),
        "ash ashen": (178, 190, 181),
        "graphite gunmetal": (65, 72, 76),
        "pewter lead": (138, 140, 142),
        "smoke": (190, 190, 190),
        "stone concrete": (140, 138, 130),
        "jet ebony onyx ink 乌 漆黑": (12, 12, 14),
        "pearl": (240, 234, 224),
        "alabaster snowy milk milky 雪 雪白": (250, 250, 250),
        "silvery metallic chrome 银 銀": (192, 192, 192),
        # what numbers would get wrong
        "brightgreen neongreen": (0, 255, 0),
        "electricblue": (80, 220, 255),
        "night dusk nightsky 夜": (25, 25, 112),
        "deeppurple darkpurple 深紫": (75, 0, 130),
        "lightgoldenrod": (238, 221, 130),
        "paleyellow softyellow 浅黄 淡黄": (255, 255, 210),
        "深红 深紅 暗红": (139, 0, 0),
        "深灰 暗灰": (105, 105, 105),
        "浅灰 淡灰": (211, 211, 211),
        "浅绿 淡绿 嫩绿": (144, 238, 144),
        "浅蓝 淡蓝 淺藍": (173, 216, 230),
        "浅粉 淡粉": (255, 182, 193),
        "浅紫 淡紫": (200, 170, 230),
        "brightpink neonpink hotpink 亮粉": (255, 105, 180),
        "darkpink deeppink 深粉": (231, 84, 128),
        "darkyellow 深黄 暗黄": (184, 134, 11),
        "redorange orangered": (255, 69, 0),
        "yelloworange orangeyellow": (255, 174, 40),
        "greenyellow": (173, 255, 47),
        "yellowgreen 黄绿": (154, 205, 50),
        "bluepurple purpleblue bluishpurple 蓝紫": (90, 50, 200),
        "redbrown reddishbrown 红棕": (150, 55, 35),
        "pinkpurple purplepink": (205, 90, 200),
        "橙红": (255, 69, 0),
        "紫红": (199, 21, 133),
    }
)
