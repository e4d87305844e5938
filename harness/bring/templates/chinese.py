"""Chinese templates."""

from __future__ import annotations

from harness.bring.templates.wording import Language, Wording

LABELS = "{{ labels | join('、') }}"
# Each with what it means, where task.yaml says so.
DESCRIBED = (
    "{% for label in labels %}{{ label }}{% if label.description %}（{{ label.description }}）{% endif %}"
    '{{ "、" if not loop.last else "" }}{% endfor %}'
)

KINDS = {
    "classification": Wording(
        "标签",
        f"判断文本属于哪一类，只回答其中一个：{LABELS}。",
        f"你给文本分类。只回答下列标签之一：{LABELS}。",
    ),
    "multilabel": Wording(
        "标签",
        f"标出文本符合的所有标签，多项之间用“; ”隔开；没有则写 none。标签：{DESCRIBED}。",
        f"你给文本标注标签。回答所有符合的标签，多项之间用“; ”隔开；没有则写 none。标签：{DESCRIBED}。",
    ),
    "choice": Wording(
        "答案",
        "选项中只有一个正确，只回答它的字母。",
        "你回答选择题。只回答正确选项的字母。",
    ),
    "entities": Wording(
        "实体",
        f"按出现的顺序列出文本中的实体，写成JSON列表，每项是词语和类型；没有则写 []。类型：{DESCRIBED}。",
        f"你找出文本中的实体。按顺序回答由[词语, 类型]组成的JSON列表；没有则写 []。类型：{DESCRIBED}。",
    ),
    "span": Wording(
        "答案",
        "用原文中最短的词语回答问题；原文没有答案则写 none。",
        "你在原文中找答案。只照抄能回答问题的最短的词语；原文没有答案则写 none。",
    ),
    "number": Wording(
        "答案",
        "只回答一个数字和它的单位。",
        "你用数字回答问题。只回答一个数字和它的单位。",
    ),
    "text": Wording(
        "回答",
        "回答文本，只写一行。",
        "你回答文本。只写一行回答。",
    ),
    "exact": Wording(
        "答案",
        "用几个字回答，只写一行。",
        "你回答问题。只用几个字写出答案。",
    ),
    "translation": Wording(
        "译文",
        "翻译文本，只写一行译文。",
        "你翻译文本。只写一行译文。",
    ),
    "summary": Wording(
        "摘要",
        "写出文本的摘要，只写一行。",
        "你写摘要。只写一行摘要。",
    ),
    "state": Wording(
        "状态",
        f"用一行JSON写出对话最后一句话之后已知的信息，不知道的不写。槽位：{DESCRIBED}。",
        f"你读对话，用一行JSON写出最后一句话之后已知的信息，不知道的不写。槽位：{DESCRIBED}。",
    ),
}
INPUTS = {
    "text": "文本",
    "question": "问题",
    "context": "原文",
    "context_text": "原文",
    "passage": "原文",
    "source": "原文",
    "dialogue": "对话",
    "premise": "前提",
    "hypothesis": "假设",
    "sentence1": "句子一",
    "sentence2": "句子二",
    "title": "标题",
}
LANGUAGE = Language(
    KINDS,
    INPUTS,
    "：",
    "",
    "输入和答案，没有别的。",
    "先是一句说明，然后是例子。",
    "对话：说明是系统消息，每个例子是一轮。",
)
