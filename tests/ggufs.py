"""GGUF files of the embedded model, written with the reference package: small, and the model itself to hold against."""

import json

import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import quantize
from safetensors.torch import load_file

from harness.models.checkpoint import Model

NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "post_attention_layernorm": "ffn_norm",
    "input_layernorm": "attn_norm",
    "model.layers": "blk",
}
CONTROL, NORMAL = 3, 1


def tensors():
    """The embedded model's weights under their GGUF names; queries and keys in llama.cpp's order of rotated pairs."""
    config = Model("tiny").config
    for name, value in load_file(f"{Model('tiny').path}/model.safetensors").items():
        rows = value.float().numpy()
        if "q_proj" in name or "k_proj" in name:
            heads = config.num_attention_heads
            rows = rows.reshape(heads, 2, rows.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(rows.shape)
        named = name
        for long, short in NAMES.items():
            named = named.replace(long, short)
        yield named, rows


def written(path, kind="F16", architecture="llama", file_type=1, without=(), bos=True, more=(), values=()):
    """A GGUF file at ``path``: matrices stored as ``kind``, but for tensors ``without``; ``more`` tensors by name and
    ``values`` by key."""
    config, known = Model("tiny").config, Model("tiny").tokenizer
    writer = GGUFWriter(path, architecture)
    writer.add_name("tiny")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)
    if file_type is not None:
        writer.add_file_type(file_type)
    model = json.loads(known.backend_tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([CONTROL if i in known.all_special_ids or i < 7 else NORMAL for i in range(len(tokens))])
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_bos_token_id(known.bos_token_id)
    writer.add_eos_token_id(known.eos_token_id)
    writer.add_pad_token_id(known.pad_token_id)
    if bos is not None:
        writer.add_add_bos_token(bos)
    writer.add_chat_template(known.chat_template)
    for key, value in dict(values).items():
        (writer.add_string if isinstance(value, str) else writer.add_uint16)(key, value)
    stored = GGMLQuantizationType[kind]
    for name, rows in (*tensors(), *more):
        if name in without:
            continue
        if rows.ndim == 1:
            writer.add_tensor(name, rows.astype(np.float32))
        else:
            writer.add_tensor(name, quantize(rows, stored), raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def same(one, two):
    """Whether two folders hold the same weights, as float32."""
    a, b = (load_file(f"{folder}/model.safetensors") for folder in (one, two))
    return a.keys() == b.keys() and all(torch.equal(a[name].float(), b[name].float()) for name in a)
