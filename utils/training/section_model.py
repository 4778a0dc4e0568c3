"""The encoder that tells a package's section: Mixtral's layers, reading both ways, and a mean over the tokens."""
import torch
from transformers import MixtralConfig, MixtralModel, MixtralPreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func


class SectionConfig(MixtralConfig):
    model_type = "mixtral-encoder"

    def __init__(self, **fields):
        super().__init__(**fields)
        # What makes the library's masks let every token see every other.
        self.is_causal = False


class MixtralForMeanClassification(MixtralPreTrainedModel):
    """input_ids and attention_mask [batch, length] to logits [batch, labels]."""
    config_class = SectionConfig

    def __init__(self, config):
        super().__init__(config)
        self.model = MixtralModel(config)
        self.score = torch.nn.Linear(config.hidden_size, config.num_labels)
        for layer in self.model.layers:
            layer.self_attn.is_causal = False
        self.post_init()

    def forward(self, input_ids, attention_mask, position_ids=None, labels=None):
        """With labels, the loss has the routers' balance in it; position_ids are for texts with tokens left out."""
        training = labels is not None
        out = self.model(input_ids=input_ids, attention_mask=attention_mask, position_ids=position_ids, use_cache=False,
                         output_router_logits=training)
        mask = attention_mask.unsqueeze(-1).to(out.last_hidden_state.dtype)
        pooled = (out.last_hidden_state * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
        logits = self.score(pooled)
        loss = None
        if training:
            loss = torch.nn.functional.cross_entropy(logits.float(), labels)
            balance = load_balancing_loss_func(out.router_logits, self.config.num_local_experts,
                                               self.config.num_experts_per_tok, attention_mask)
            loss = loss + self.config.router_aux_loss_coef * balance
        return SequenceClassifierOutput(loss=loss, logits=logits)
