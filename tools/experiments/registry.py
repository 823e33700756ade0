"""The experiments that there are. A new one is a file beside this one, and a line here."""

from tools.experiments import experiment1_baseline
from tools.experiments import experiment2_tiny_set
from tools.experiments import experiment3_aligned
from tools.experiments import experiment4_video
from tools.experiments import experiment5_reusable_model

EXPERIMENTS = (
    experiment1_baseline.Baseline,
    experiment2_tiny_set.TinySet,
    experiment3_aligned.AlignedTinySet,
    experiment4_video.Video,
    experiment5_reusable_model.ReusableModel,
)
