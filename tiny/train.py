"""Trains the embedded model: python tiny/train.py --minutes 60 --out models/tiny

Tokenizer first (byte-level BPE on the corpus), then a small Llama on endless episodes (see corpus.py), loss on the
answers that can be known and a little on all other text. Saved as float16 safetensors whenever --save-every passes.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from itertools import islice
from pathlib import Path

import torch
from corpus import Corpus, Episode, load
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

VOCAB, WIDTH, LAYERS, HEADS, INNER, LENGTH = 4096, 256, 4, 8, 640, 2048
SPECIAL = ["<s>", "</s>", "<pad>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]
CHAT = (
    "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
TEXT_WEIGHT = 0.1


def make_tokenizer(corpus: Corpus) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer that puts <s> in front."""
    from tokenizers.processors import TemplateProcessing

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(("".join(e.pieces) for e in islice(corpus, 12000)), trainer)
    raw.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        chat_template=CHAT,
        model_max_length=LENGTH,
        clean_up_tokenization_spaces=False,
    )


def rows(corpus: Corpus, tokenizer: PreTrainedTokenizerFast, count: int, limit: int):
    """``count`` episodes as (ids, weight of each id as a target), cut to ``limit`` tokens."""
    episodes: list[Episode] = list(islice(corpus, count))
    texts = ["".join(e.pieces) for e in episodes]
    encoded = tokenizer(texts, return_offsets_mapping=True, add_special_tokens=False)
    out = []
    for episode, ids, offsets in zip(episodes, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        answers, at = [], 0
        for piece, learn in zip(episode.pieces, episode.learn, strict=True):
            if learn:
                answers.append((at, at + len(piece)))
            at += len(piece)
        weights, spans = [], iter(answers)
        start, end = next(spans, (at, at))
        for low, high in offsets:
            while low >= end and end < at:
                start, end = next(spans, (at, at))
            weights.append(1.0 if low >= start and high <= end and high > low else TEXT_WEIGHT)
        out.append(([0, *ids][:limit], [0.0, *weights][:limit]))
    return out


def batches(corpus: Corpus, tokenizer: PreTrainedTokenizerFast, tokens: int, limit: int):
    """Batches of about ``tokens`` tokens, episodes of like length together."""
    while True:
        group = sorted(rows(corpus, tokenizer, 256, limit), key=lambda r: len(r[0]))
        made, batch = [], []
        for row in group:
            if batch and len(row[0]) * (len(batch) + 1) > tokens:
                made.append(batch)
                batch = []
            batch.append(row)
        made.append(batch)
        random.Random(len(made)).shuffle(made)
        for batch in made:
            width = max(len(ids) for ids, _ in batch)
            ids = torch.tensor([i + [2] * (width - len(i)) for i, _ in batch])
            weights = torch.tensor([w + [0.0] * (width - len(w)) for _, w in batch])
            yield ids, weights


def loss_of(model, ids, weights):
    """Weighted cross-entropy, and the accuracy on answer tokens."""
    hidden = model.model(ids).last_hidden_state[:, :-1]
    targets, weights = ids[:, 1:], weights[:, 1:]
    # Text tokens cost little weight but most of the work, so a tenth of them stands for all, at full weight.
    keep = (weights == 1.0) | ((weights > 0) & (torch.rand_like(weights) < TEXT_WEIGHT))
    logits = model.lm_head(hidden[keep]).float()
    losses = torch.nn.functional.cross_entropy(logits, targets[keep], reduction="none")
    answer = weights[keep] == 1.0
    right = (logits.argmax(-1) == targets[keep])[answer].float().mean()
    weight = torch.where(answer, 1.0, TEXT_WEIGHT * 3)
    return (losses * weight).sum() / weight.sum(), right


def save(model, tokenizer, out: Path, log: dict) -> None:
    """Write the model folder."""
    out.mkdir(parents=True, exist_ok=True)
    half = LlamaForCausalLM(model.config)
    half.load_state_dict(model.state_dict())
    half.half().save_pretrained(out)
    tokenizer.save_pretrained(out)
    (out / "training.json").write_text(json.dumps(log, indent=1) + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("models/tiny"))
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--save-every", type=float, default=10, help="minutes")
    parser.add_argument("--tokens", type=int, default=3072, help="tokens a batch")
    parser.add_argument("--limit", type=int, default=420, help="tokens an episode")
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--easy", type=float, default=0.5, help="share of exercises at the start; a tenth at the end")
    parser.add_argument("--resume", type=Path, help="a model folder to go on from")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    torch.manual_seed(args.seed)
    corpus = Corpus(load(), random.Random(args.seed))
    if args.resume:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(args.resume)
        model = LlamaForCausalLM.from_pretrained(args.resume, dtype=torch.float32)
    else:
        tokenizer = make_tokenizer(corpus)
        config = LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            num_key_value_heads=HEADS,
            intermediate_size=INNER,
            max_position_embeddings=LENGTH,
            rope_theta=10000.0,
            tie_word_embeddings=True,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=2,
        )
        model = LlamaForCausalLM(config)
    print(
        f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters, {len(corpus.domains)} domains",
        flush=True,
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, betas=(0.9, 0.98), weight_decay=0.05)
    begun = saved = time.monotonic()
    seen, losses, rights = 0, [], []
    log = {"parameters": model.num_parameters(), "earlier": [], "history": []}
    if args.resume:
        before = json.loads((args.resume / "training.json").read_text())
        log["earlier"] = [*before.get("earlier", []), before["history"]]
    device_type = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device_type)
    for step, (ids, weights) in enumerate(batches(corpus, tokenizer, args.tokens, args.limit)):
        gone = (time.monotonic() - begun) / 60 / args.minutes
        if gone >= 1:
            break
        rate = args.lr * min(1, (step + 1) / 100) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * gone)))
        corpus.easy = 0.1 + (args.easy - 0.1) * max(0.0, 1 - 2 * gone)
        for group in optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(device_type, dtype=torch.bfloat16):
            loss, right = loss_of(model, ids.to(device_type), weights.to(device_type))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        seen += int((ids != 2).sum())
        losses.append(loss.item())
        rights.append(right.item())
        if step % 50 == 49:
            mean, hit = sum(losses[-50:]) / 50, sum(rights[-50:]) / 50
            minutes = (time.monotonic() - begun) / 60
            print(
                f"step {step + 1} min {minutes:.1f} tokens {seen / 1e6:.2f}M loss {mean:.3f} answers {hit:.3f}",
                flush=True,
            )
            log["history"].append(
                {"step": step + 1, "minutes": round(minutes, 1), "loss": round(mean, 3), "answers": round(hit, 3)}
            )
        if time.monotonic() - saved > args.save_every * 60:
            save(model, tokenizer, args.out, log)
            saved = time.monotonic()
    save(model, tokenizer, args.out, log)


if __name__ == "__main__":
    main()
