"""English words by their class, as far as `canvas.nouns` needs them. Only data."""

from typing import Final


def _set(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


ARTICLES: Final = _set("a an the another one each every some any this that no")

POSSESSIVES: Final = _set("his her its their our your my")

NUMBERS: Final = _set(
    "two three four five six seven eight nine ten eleven twelve dozens hundreds thousands both several",
    "many few these those numerous countless various multiple all",
)

PREPOSITIONS: Final = _set(
    "of with in on at by under over near behind beside besides between among amongst amid amidst against",
    "from to into onto through throughout around above below beneath underneath for without like during",
    "as across along before after inside outside within next toward towards up down off out upon past",
    "opposite via about beyond surrounded",
)

CLAUSE_WORDS: Final = _set(
    "that which who whose whom where when while is are was were be being has have had does do can could",
    "will would it they he she there but so because if then than",
)

COLLECTIVES: Final = _set(
    "group groups pair bunch couple crowd number lot lots set series collection variety row rows cluster",
    "clusters flock herd pile piles handful team band pack mix array plethora abundance piece pieces",
    "dozen swarm school range assortment selection trio family kind type sort part bit touch stack",
    "scattering patch",
)
"""What a description of several things opens with: a group of warriors is about warriors."""

FRAMES: Final = _set(
    "image picture photo photograph view scene depiction illustration portrait close-up closeup closeups",
    "painting drawing sketch shot glimpse silhouette rendering render sight showing background foreground",
    "version",
)
"""What a description of a picture opens with: an image of a dog is about the dog."""

FRAME_VERBS: Final = _set(
    "shows depicts captures features displays portrays presents contains showing depicting",
)

FINITE_VERBS: Final = _set(
    "runs sits stands plays holds wears walks looks watches flies swims shines hangs rises glows falls",
    "floats grows lies sleeps jumps reads rests leans smiles entertains gathers fills dominates stretches",
    "illuminates serves adds creates sets moves waits dances sings eats drinks rides drives carries",
    "throws blows reaches stares gazes crouches kneels flows crashes burns surrounds overlooks sparkles",
    "sways drifts sit stand play run wear hold dance sing gather",
)

POST_ADVERBS: Final = _set(
    "together alone away everywhere nearby here there overhead ahead apart aside high low",
)

LY_NOUNS: Final = _set(
    "family lily butterfly dragonfly firefly jelly belly fly assembly bully dolly trolley ally",
)

ING_NOUNS: Final = _set(
    "building buildings painting paintings ceiling king ring wing string spring morning evening lightning",
    "clothing thing things sling swing duckling dumpling seedling sapling wedding gathering crossing",
    "clearing awning railing bedding stocking stockings earring earrings pudding frosting icing topping",
    "offspring viking herring sibling darling ending opening greeting drawing carving engraving meeting",
    "thanksgiving",
)

ED_NOUNS: Final = _set(
    "bed shed seed weed reed feed sled steed breed speed greed need creed hundred seaweed flowerbed",
)

PARTICIPLES: Final = _set(
    "broken frozen hidden worn torn lit made set held seen written drawn known woven shown grown blown",
    "bound built lost spread hung cut driven forgotten fallen sunken swollen thrown wrought sunlit",
    "moonlit candlelit starlit",
)

ADJECTIVES: Final = _set(
    # looks
    "beautiful pretty lovely cute handsome elegant ornate plain simple fancy stunning gorgeous adorable",
    "charming majestic mighty fierce grand noble regal royal proud brave bold wild tame gentle calm",
    "serene peaceful quiet still silent loud lively happy sad angry joyful cheerful merry jolly playful",
    "funny silly friendly scary spooky creepy eerie mysterious magical enchanted mystical ethereal dreamy",
    "epic intense dramatic menacing ominous ancient old young new modern aged elderly vintage antique",
    "medieval futuristic traditional rustic classic ruined abandoned busy crowded empty full open closed",
    "lonely lone single solitary main central distant nearby far near close whole entire real fake famous",
    "legendary",
    # size and shape
    "big small tiny little large huge giant gigantic enormous massive vast immense colossal miniature",
    "mini tall short long high low deep shallow wide broad narrow thin thick slim fat chubby plump round",
    "square flat curved straight sharp smooth rough soft hard steep rolling winding tangled gnarled",
    "twisted towering sprawling bigger larger smaller",
    # light, weather, surface
    "bright dark light dim pale vivid vibrant colorful colourful multicolored glowing shiny sparkling",
    "glittering radiant luminous brilliant dazzling clear cloudy misty foggy hazy rainy snowy sunny",
    "stormy windy starry moonlit sunlit icy frosty frozen dusty muddy sandy rocky mossy grassy leafy lush",
    "fertile barren dry wet hot cold warm cool fresh fiery smoky dewy golden silvery crimson scarlet",
    "turquoise teal beige azure indigo maroon pastel neon wooden metallic glassy furry fluffy feathery",
    "hairy woolly fuzzy silky velvety creamy crisp crunchy juicy ripe delicious tasty sweet spicy savory",
    "festive rich poor cozy cosy comfortable soothing tranquil strong weak powerful muscular agile swift",
    "fast slow sleepy hungry tired busy wise clever smart evil good bad great fine nice best holy sacred",
    "heavenly rare exotic tropical natural wintry autumnal nocturnal rural urban coastal floral royal",
    "oriental digital crystal-clear free dead alive hidden secret heavy lightweight tall-masted overall",
    "different additional other red-hot proud content gloomy bleak desolate grim haunted cursed worn",
    "shabby dirty clean bare blank blurry sleek sturdy delicate intricate detailed abstract surreal",
    "whimsical quaint picturesque scenic idyllic lavish opulent luxurious humble stately imposing looming",
    "jagged rugged craggy translucent transparent opaque glossy matte weathered faded bustling vacant",
    "turbulent choppy raging",
)

ADJECTIVE_ENDINGS: Final = ("ful", "less", "ous", "ish", "esque", "istic", "ntic", "ertic", "scent", "like")

NOUNS_LIKE_ADJECTIVES: Final = _set(
    "fish goldfish jellyfish starfish swordfish catfish radish dish wish finish mouthful armful handful",
    "spoonful unless",
)

IRREGULAR_PLURALS: Final = _set(
    "children people men women mice geese feet teeth oxen sheep deer cattle police folk firemen snowmen",
    "fishermen policemen gentlemen wolves leaves cacti fungi crew",
)

SINGULARS_WITH_S: Final = _set(
    "bus christmas canvas lens gas atlas iris compass albatross cactus octopus circus lotus walrus",
    "hippopotamus rhinoceros chaos cosmos series venus mars campus virus crocus hibiscus oasis basis",
    "chess claus tennis texas paris",
)

PROPER_NAMES: Final = _set(
    "christmas halloween easter thanksgiving valentine santa chinese japanese english french german italian",
    "spanish indian african american european asian greek roman egyptian viking",
)
"""What keeps its capital at the start of a sentence."""
