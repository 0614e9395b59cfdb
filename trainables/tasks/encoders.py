"""Encoders of texts for classification: bidirectional LSTM and GRU, and a Transformer encoder, by config keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from trainables.errors import TaskError
from trainables.nearest import nearest
from trainables.tasks.words import PADDING

MODELS = ("gru", "lstm", "transformer")
RECURRENT = {"gru": nn.GRU, "lstm": nn.LSTM}


class Classifier(nn.Module):
    """Texts of shape (batch, longest), whole numbers padded at the end, and lengths to scores, (batch, classes).

    Config keys: ``model`` (gru, lstm or transformer; default gru), ``embedding`` dimensions of a word (128), ``hidden``
    units, of each direction or of a transformer's feed-forward layers (128), ``layers`` (1), ``heads`` of a transformer
    (4), ``dropout`` of embeddings, between layers and before the scores (0). Padding changes no score.

    Raises:
        TaskError: there is no such model, or ``heads`` does not divide ``embedding``.
    """

    def __init__(self, config: Mapping[str, Any], vocabulary: int, length: int, classes: int) -> None:
        super().__init__()
        model, width = config.get("model", MODELS[0]), config.get("embedding", 128)
        if model not in MODELS:
            raise TaskError(f"model is {model!r}{nearest(str(model), MODELS)}", f"allowed: {', '.join(MODELS)}")
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=PADDING)
        nn.init.normal_(self.embedding.weight, std=0.1)
        nn.init.zeros_(self.embedding.weight[PADDING].detach())
        self.encoder = Attentive(config, width, length) if model == "transformer" else Recurrent(config, model, width)
        self.dropout = nn.Dropout(config.get("dropout", 0.0))
        self.scores = nn.Linear(self.encoder.width, classes)

    def forward(self, texts: Tensor, lengths: Tensor) -> Tensor:
        lengths = lengths.clamp(min=1)  # An empty text counts as one word of padding, so that there is one to encode.
        return self.scores(self.dropout(self.encoder(self.dropout(self.embedding(texts)), lengths)))


class Recurrent(nn.Module):
    """A bidirectional LSTM or GRU, and of its states over the text the largest value of each unit."""

    def __init__(self, config: Mapping[str, Any], model: str, width: int) -> None:
        super().__init__()
        hidden, layers, dropout = config.get("hidden", 128), config.get("layers", 1), config.get("dropout", 0.0)
        self.width = 2 * hidden
        self.network = RECURRENT[model](
            width, hidden, layers, batch_first=True, bidirectional=True, dropout=dropout if layers > 1 else 0.0
        )

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(embedded, lengths.cpu(), batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.network(packed)[0], batch_first=True, padding_value=float("-inf"))
        return states.amax(dim=1)


class Attentive(nn.Module):
    """A Transformer encoder with norms first (Xiong et al., 2020), and the mean of its states over the text."""

    def __init__(self, config: Mapping[str, Any], width: int, length: int) -> None:
        super().__init__()
        heads = config.get("heads", 4)
        if width % heads:
            raise TaskError(f"heads is {heads}, which does not divide embedding {width}", "use a divisor, e.g. 4")
        self.width = width
        self.positions = nn.Parameter(torch.randn(length, width) * 0.1)
        layer = nn.TransformerEncoderLayer(
            width, heads, config.get("hidden", 128), config.get("dropout", 0.0), batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(
            layer, config.get("layers", 1), norm=nn.LayerNorm(width), enable_nested_tensor=False
        )

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        size = embedded.shape[1]
        padding = torch.arange(size, device=embedded.device) >= lengths[:, None]
        states = self.layers(embedded + self.positions[:size], src_key_padding_mask=padding)
        return states.masked_fill(padding[..., None], 0.0).sum(dim=1) / lengths[:, None]
