"""Messages that ask for no picture: greetings, thanks, and taking the last change back, in a closed list.

Only a whole message counts: "hello kitty" is a picture, and so is whatever is not in the list.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final, Literal

Kind = Literal["hello", "thanks", "undo"]

_PHRASES: Final[Mapping[Kind, str]] = {
    "hello": """
        hi; hello; hey; hiya; yo; howdy; hi there; hello there; hey there; hi bot; hello bot; hey bot;
        good morning; good afternoon; good evening; how are you; who are you; what can you do; help;
        how do i use it; how do i use this; how does it work; how does this work; what is this;
        你好; 您好; 你好啊; 你好呀; 你好吗; 嗨; 哈喽; 哈啰; 嘿; 大家好; 在吗; 早;
        早上好; 下午好; 晚上好; 你是谁; 你会什么; 帮助; 怎么用; 怎么使用; 如何使用; 这是什么
    """,
    "thanks": """
        thanks; thank you; thanks a lot; thanks so much; thank you very much; thank you so much; many thanks;
        thx; ty; tysm; cheers; ok; okay; ok thanks; okay thanks; ok thank you; k; kk; cool; nice; nice one;
        great; wow; perfect; awesome; amazing; beautiful; lovely; good; good job; good bot; well done;
        i like it; i love it; love it; lol;
        谢谢; 谢谢你; 谢谢您; 谢谢啦; 多谢; 感谢; 非常感谢; 谢了; 好; 好的; 好吧; 好嘞; 好的谢谢;
        行; 可以; 嗯; 嗯嗯; 哦; 收到; 赞; 很好; 不错; 真不错; 太好了; 太棒了; 真棒; 棒; 厉害;
        好看; 真好看; 漂亮; 真漂亮; 喜欢; 我喜欢; 哈哈; 哈哈哈
    """,
    "undo": """
        undo; undo it; undo that; undo this; undo please; please undo; go back; take it back; take that back;
        revert; revert it; revert that; change it back;
        撤销; 撤回; 撤消; 还原; 上一步; 返回上一步; 退回上一步; 改回来; 改回去; 变回来; 变回去
    """,
}
_FIRST: Final[tuple[Kind, ...]] = ("undo", "thanks", "hello")
"""Of a message that is several kinds, the one that counts."""
_HANDS: Final = frozenset("👋🖐✋🙋🤝")
_SIGNS: Final = frozenset("👍👌🙏❤♥💕💖💗💙💚💛🧡💜🖤🤍😀😃😄😁😊🙂😍🥰😘🤩😻🎉👏💯🔥✨⭐😂🤣😉😎🙌💪🥳☺")
_JOINERS: Final = re.compile("[\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
"""What an emoji is put together with: joiners, its style, the colour of its skin."""
_BREAK: Final = re.compile(r"[,，、;；:：.。!！?？~～\n]+")
_WORD: Final = re.compile(r"[^\W_]+")
_KINDS: Final[Mapping[str, Kind]] = {
    phrase.strip(): kind for kind, phrases in _PHRASES.items() for phrase in phrases.split(";")
}


def small_talk(text: str) -> Kind | None:
    """What a message is that asks for nothing; None for anything else."""
    shown = _JOINERS.sub("", text).casefold()
    parts = (" ".join(_WORD.findall(part)) for part in _BREAK.split(shown))
    kinds = {_KINDS.get(part) for part in parts if part}
    signs = {char for char in shown if unicodedata.category(char) == "So"}
    if not (kinds or signs) or None in kinds or not signs <= _SIGNS | _HANDS:
        return None
    if not kinds:
        return "hello" if signs <= _HANDS else "thanks"
    return next(kind for kind in _FIRST if kind in kinds)
