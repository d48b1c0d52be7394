"""A small Mandarin language whose words often differ by tone alone.

A sentence is ``[subject] [time] verb object``. Words that sound alike but for their tones share a
slot, so that no context tells them apart.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from workers.torchkit.speech.error_rates import edit_distance

_SUBJECTS = """我 wo3|你 ni3|他 ta1|我们 wo3 men5|你们 ni3 men5|他们 ta1 men5|老师 lao3 shi1|学生 xue2 sheng5
爸爸 ba4 ba5|妈妈 ma1 ma5|哥哥 ge1 ge5|姐姐 jie3 jie5|弟弟 di4 di5|朋友 peng2 you5"""
_TIMES = """今天 jin1 tian1|明天 ming2 tian1|昨天 zuo2 tian1|早上 zao3 shang5|晚上 wan3 shang5
现在 xian4 zai4|下午 xia4 wu3"""
_VERBS = """买 mai3|卖 mai4|看 kan4|砍 kan3|问 wen4|闻 wen2|联系 lian2 xi4|练习 lian4 xi2|同意 tong2 yi4
统一 tong3 yi1|画 hua4|花 hua1|找 zhao3|照 zhao4|要 yao4|咬 yao3|推 tui1|退 tui4|喜欢 xi3 huan5
讨论 tao3 lun4"""
_OBJECTS = """眼睛 yan3 jing1|眼镜 yan3 jing4|北京 bei3 jing1|背景 bei4 jing3|水饺 shui3 jiao3|睡觉 shui4 jiao4
时间 shi2 jian1|事件 shi4 jian4|实践 shi2 jian4|书 shu1|树 shu4|鼠 shu3|公式 gong1 shi4|工事 gong1 shi4
糖 tang2|汤 tang1|包 bao1|宝 bao3|报 bao4|猫 mao1|毛 mao2|帽 mao4|鱼 yu2|雨 yu3|玉 yu4|酒 jiu3|舅 jiu4
鞋 xie2|蟹 xie4|梨 li2|李 li3|山 shan1|扇 shan4|马 ma3|麻 ma2|灯 deng1|凳 deng4|笔 bi3|鼻 bi2|刀 dao1|岛 dao3
米饭 mi3 fan4|苹果 ping2 guo3|地图 di4 tu2|音乐 yin1 yue4|电影 dian4 ying3|月亮 yue4 liang5|手机 shou3 ji1
收集 shou1 ji2|大雪 da4 xue3|大学 da4 xue2|车 che1|门 men2"""
_TIME_SHARE = 0.45


@dataclass(frozen=True)
class Word:
    """A word and the syllables of its characters, each with its tone number."""

    text: str
    pinyin: tuple[str, ...]

    @property
    def toneless(self) -> tuple[str, ...]:
        """The syllables without tones."""
        return tuple(syllable[:-1] for syllable in self.pinyin)


@dataclass(frozen=True)
class Sentence:
    """Words in order."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The characters."""
        return "".join(word.text for word in self.words)

    @property
    def pinyin(self) -> tuple[str, ...]:
        """One syllable with its tone per character."""
        return tuple(syllable for word in self.words for syllable in word.pinyin)


def _words(lines: str) -> tuple[Word, ...]:
    entries = (entry.split() for line in lines.splitlines() for entry in line.split("|"))
    return tuple(Word(text, tuple(syllables)) for text, *syllables in entries)


SUBJECTS, TIMES, VERBS, OBJECTS = map(_words, (_SUBJECTS, _TIMES, _VERBS, _OBJECTS))


def drawn_sentence(chance: random.Random) -> Sentence:
    """A sentence with a subject, and a time in 45 % of the cases."""
    time = [chance.choice(TIMES)] if chance.random() < _TIME_SHARE else []
    subject, verb, what = (chance.choice(words) for words in (SUBJECTS, VERBS, OBJECTS))
    return Sentence((subject, *time, verb, what))


def short_sentence(chance: random.Random) -> Sentence:
    """A verb and an object."""
    return Sentence((chance.choice(VERBS), chance.choice(OBJECTS)))


def floor(sentences: Sequence[Sentence], *, tones: bool) -> float:
    """Character error rate of a perfect reader of pinyin that guesses among words that sound alike.

    Every word of a slot is equally likely; the guess has the fewest errors on average.
    """
    errors = {
        word.text: wrong
        for words in (SUBJECTS, TIMES, VERBS, OBJECTS)
        for word, wrong in _expected_errors(words, tones=tones).items()
    }
    wrong = sum(errors[word.text] for sentence in sentences for word in sentence.words)
    return wrong / sum(len(sentence.text) for sentence in sentences)


def _expected_errors(words: Sequence[Word], *, tones: bool) -> dict[Word, float]:
    groups: dict[tuple[str, ...], list[Word]] = defaultdict(list)
    for word in words:
        groups[word.pinyin if tones else word.toneless].append(word)
    expected: dict[Word, float] = {}
    for group in groups.values():
        best = min(
            sum(edit_distance(word.text, guess.text) for word in group) / len(group)
            for guess in group
        )
        expected |= dict.fromkeys(group, best)
    return expected
