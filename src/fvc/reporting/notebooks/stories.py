"""What a notebook says of a model in words: its idea, its parts, what speaks for and against it.

Numbers are not written here: they are read from the registry and from the results when the notebook
runs.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Story:
    """A model in words.

    Parameters
    ----------
    title
        How people call it.
    idea
        What it is and why it might find fakes, in a paragraph.
    parts
        Its architecture from input to output: name of a part, and what comes out of it.
    advantages, limits
        What speaks for it and against it.
    difference
        How it differs from a model that it is easily taken for; empty where there is none.
    """

    title: str
    idea: str
    parts: tuple[tuple[str, str], ...]
    advantages: tuple[str, ...]
    limits: tuple[str, ...]
    difference: str = ""


_FEATURES = ("features", "15 of the clip, 23 of its scaled copy")
_PREPARED = ("impute, scale, drop collinear", "fitted inside the fold")
_ENDS = ("calibration", "cross-fitted, by group")
_CLIP_FEATURES_ONLY = (
    "Sees six frames of a clip through handcrafted numbers: what they do not measure does not exist",
)
_FROZEN = (
    "The backbone never learns what a fake looks like: it was trained to name actions or objects",
    "Scaling to 256 pixels removes the finest traces before the backbone sees them",
)
_DEEP = (
    "Hundreds of sources are few for millions of parameters: expect wide intervals",
    "Scaling to 256 pixels removes the finest traces",
)
_FRAME_CACHE = ("frames", "decoded once into a cache of bytes, shared by folds and models")
_TREES = ("XGBoost", "depth and number of trees chosen in inner folds")
_HEAD = ("dropout and linear head", "one number: how fake")

STORIES: dict[str, Story] = {
    "logistic_regression": Story(
        "Logistic regression",
        "A linear model on handcrafted forensic features: noise residual, DCT statistics, sharpness, "
        "boundaries and codec cues of the clip, and the same with six more of its scaled copy. It is "
        "the yardstick: what a larger model adds has to show beside it.",
        (_FEATURES, _PREPARED, ("linear, L2", "a weight a feature"), _ENDS),
        (
            "Every weight can be read, and every answer explained by its terms",
            "Trains in seconds, so that intervals and audits can be computed in full",
            "Hard to overfit on a few hundred sources",
        ),
        ("Only a linear boundary: no feature changes the meaning of another", *_CLIP_FEATURES_ONLY),
    ),
    "svm": Story(
        "Linear support vector machine",
        "A linear boundary with the widest margin on the same features as logistic regression; its "
        "distances become probabilities by a calibration that is fitted inside the training part.",
        (_FEATURES, _PREPARED, ("linear, hinge loss", "distance to the boundary"), _ENDS),
        (
            "Sources far from the boundary do not pull at it, so that odd clips matter less",
            "Quick, and its weights can be read",
        ),
        (
            "Distances are not probabilities: they need the inner calibration",
            *_CLIP_FEATURES_ONLY,
        ),
    ),
    "sklearn_logreg": Story(
        "scikit-learn's LogisticRegression",
        "Logistic regression with the choice of L1, L2 and elastic-net penalties, with its files laid "
        "out flat: a bare estimator in `model.joblib`, its preprocessing in `scaler.joblib`.",
        (_FEATURES, _PREPARED, ("linear, L1, L2 or elastic net", "a weight a feature"), _ENDS),
        (
            "Simple and interpretable; quick to train and to ask",
            "L1 and elastic net leave features out, which shows the few that carry the score",
            "A good baseline for comparison",
        ),
        (
            "Linear boundary",
            "Rests on the quality of handcrafted features",
            "No view of time beyond what the features measure",
        ),
        "5a uses the pipeline's own `LogisticRegressionBaseline` (L2 alone) with a folder a fold. "
        "This is a standalone scikit-learn estimator with more penalties to choose from and flat "
        "files, which any script with joblib can read.",
    ),
    "gradient_boosting": Story(
        "Gradient-boosted trees",
        "Trees that correct each other (XGBoost) on the handcrafted features. It is the model for "
        "which the published pipeline reported F1 0.95 from row-wise folds; the audit shows how much "
        "of such a score is memory of sources.",
        (_FEATURES, _PREPARED, _TREES, _ENDS),
        (
            "Finds interactions and thresholds that a linear model cannot",
            "Indifferent to the scale of features; contributions by TreeSHAP",
        ),
        (
            "Remembers sources: in row-wise folds it scores near 1 with random labels",
            *_CLIP_FEATURES_ONLY,
        ),
    ),
    "naive_cnn": Story(
        "A small convolutional network",
        "A few convolutions on single frames, and the mean over frames. Nothing is pretrained: it "
        "shows what can be learnt from this corpus alone.",
        (
            _FRAME_CACHE,
            ("convolutions", "four stages, each halves the picture"),
            ("mean over frames", "one vector a clip"),
            _HEAD,
        ),
        ("Needs no weights from elsewhere", "Small enough for a CPU"),
        ("No view of motion", *_DEEP),
    ),
    "pretrained_inception": Story(
        "Inception v3 on frames",
        "A network that learnt on ImageNet looks at single frames; their features are averaged. It was "
        "a common backbone of early deepfake detectors.",
        (
            _FRAME_CACHE,
            ("Inception v3", "2,048 features a frame"),
            ("mean over frames", "one vector a clip"),
            _HEAD,
        ),
        ("Pretrained features need fewer sources", "Filters of several sizes side by side"),
        ("No view of motion", *_DEEP),
    ),
    "variable_ar_cnn": Story(
        "A network at each clip's own aspect ratio",
        "Square inputs need bars or a squash, and both tell portrait from landscape. Here clips keep "
        "their aspect; batches hold clips of one shape, and pooling makes a vector of any size.",
        (
            ("frames", "own aspect, batched by shape"),
            ("convolutions, group normalisation", "a map of any size"),
            ("pooling over place and frames", "one vector a clip"),
            _HEAD,
        ),
        ("No bars and no distortion", "Group normalisation does not depend on the batch"),
        (
            "The shape of the map still depends on the aspect, a confound to watch",
            "No view of motion",
            *_DEEP,
        ),
    ),
    "xgboost_pretrained_inception": Story(
        "XGBoost on Inception embeddings",
        "A frozen Inception v3 turns frames into vectors once; trees learn on their mean. What sees "
        "labels is fitted inside the fold, the backbone never is.",
        (_FRAME_CACHE, ("frozen Inception v3", "2,048 features a frame"), ("mean", ""), _TREES),
        ("Embeddings are computed once a clip and shared", "Trains in seconds afterwards"),
        _FROZEN,
    ),
    "xgboost_i3d": Story(
        "XGBoost on I3D embeddings",
        "A frozen I3D, trained on Kinetics-400 to name actions, sees space and time together; trees "
        "learn on its tokens.",
        (_FRAME_CACHE, ("frozen I3D-R50", "tokens over time"), ("mean", ""), _TREES),
        ("Motion is in the embedding", "Embeddings are computed once a clip and shared"),
        _FROZEN,
    ),
    "xgboost_r2plus1d": Story(
        "XGBoost on R(2+1)D embeddings",
        "A frozen R(2+1)D-18, whose convolutions are factorised in space and time; trees learn on its "
        "tokens.",
        (_FRAME_CACHE, ("frozen R(2+1)D-18", "512 features a token"), ("mean", ""), _TREES),
        ("Smaller than I3D with motion in the embedding", "Computed once a clip and shared"),
        _FROZEN,
    ),
    "xgboost_vit_gru": Story(
        "XGBoost on ViT tokens through a GRU",
        "A frozen vision transformer gives a token a frame. A GRU, fitted inside each fold, makes one "
        "vector of them, and trees learn on that. It shares the cached tokens with the model that "
        "has a transformer in the GRU's place; the two differ in this head and in nothing else.",
        (
            _FRAME_CACHE,
            ("frozen ViT-B/16", "768 features a frame"),
            ("GRU, fitted in the fold", "one vector a clip"),
            _TREES,
        ),
        ("Order of frames matters", "Tokens are computed once and shared"),
        ("Two things learn from few sources: the head and the trees", *_FROZEN),
    ),
    "xgboost_vit_transformer": Story(
        "XGBoost on ViT tokens through a transformer",
        "A frozen vision transformer gives a token a frame. A small transformer over time, fitted "
        "inside each fold, makes one vector of them, and trees learn on that.",
        (
            _FRAME_CACHE,
            ("frozen ViT-B/16", "768 features a frame"),
            ("transformer, fitted in the fold", "one vector a clip"),
            _TREES,
        ),
        ("Any frame can attend to any other", "Tokens are computed once and shared"),
        ("Two things learn from few sources: the head and the trees", *_FROZEN),
    ),
    "vit_gru": Story(
        "ViT and a GRU",
        "A vision transformer reads each frame, a gated recurrent unit reads their sequence; both "
        "learn.",
        (_FRAME_CACHE, ("ViT-B/16", "a token a frame"), ("GRU", "its last state"), _HEAD),
        ("Strong pretrained frame features", "Sequence of any length"),
        ("Motion only between tokens, not between pixels", *_DEEP),
    ),
    "vit_transformer": Story(
        "ViT and a transformer over time",
        "A vision transformer reads each frame, a second transformer reads the sequence of tokens; "
        "both learn.",
        (
            _FRAME_CACHE,
            ("ViT-B/16", "a token a frame"),
            ("transformer over time", "class token"),
            _HEAD,
        ),
        ("Strong pretrained frame features", "Any frame can attend to any other"),
        ("Motion only between tokens, not between pixels", *_DEEP),
    ),
    "timesformer": Story(
        "TimeSformer",
        "A vision transformer for video with divided attention: each patch attends over time to the "
        "same place, then over space to its own frame.",
        (
            _FRAME_CACHE,
            ("patches", "16 × 16 pixels, each a token"),
            ("12 blocks: time, then space", "class token"),
            _HEAD,
        ),
        ("Long reach in time at the price of two cheap attentions", "Pretrained on Kinetics-400"),
        ("Heavy: batches of one with checkpointing", *_DEEP),
    ),
    "vivit": Story(
        "ViViT",
        "A vision transformer whose tokens are tubelets: small blocks of space and time, so that motion "
        "is in a token from the start.",
        (
            _FRAME_CACHE,
            ("tubelets", "2 frames × 16 × 16 pixels"),
            ("12 transformer blocks", "class token"),
            _HEAD,
        ),
        ("Short motion is inside a token", "Pretrained on Kinetics-400"),
        ("Attention over all tokens at once: the heaviest here", *_DEEP),
    ),
    "i3d": Story(
        "I3D",
        "A two-dimensional ResNet-50 inflated to three dimensions: filters that knew pictures learn "
        "motion.",
        (
            _FRAME_CACHE,
            ("stem and pooling", "7 × 7 filters over 5 frames"),
            ("four stages of residual blocks", "temporal filters in some"),
            ("mean over space and time", "2,048 features"),
            _HEAD,
        ),
        ("Sees motion at pixel level", "Long studied, with published weights"),
        _DEEP,
    ),
    "r2plus1d": Story(
        "R(2+1)D-18",
        "A residual network in which every three-dimensional convolution is a spatial one followed by a "
        "temporal one, with a non-linearity between.",
        (
            _FRAME_CACHE,
            ("stem (2+1)D", ""),
            ("four stages of (2+1)D blocks", "space, then time"),
            ("mean over space and time", "512 features"),
            _HEAD,
        ),
        ("Easier to optimise than full 3D filters", "In torchvision, with weights"),
        _DEEP,
    ),
    "x3d": Story(
        "X3D-M",
        "A small two-dimensional network expanded step by step along time, size, width and depth, "
        "keeping what paid: few parameters for its accuracy.",
        (
            _FRAME_CACHE,
            ("stem", "channel-wise over time"),
            ("four stages of inverted bottlenecks", "depth-wise 3D filters, squeeze-excitation"),
            ("expansion and mean", "2,048 features"),
            _HEAD,
        ),
        ("Fewest parameters of the 3D networks here", "Published weights load key for key"),
        ("Many activations for its size: trained with gradient checkpointing", *_DEEP),
    ),
    "slowfast": Story(
        "SlowFast-R50",
        "Two pathways: a slow one with few frames and many channels sees what is there, a fast one with "
        "many frames and few channels sees how it moves; the fast feeds the slow.",
        (
            ("frames", "all for the fast pathway, a quarter for the slow"),
            ("two ResNet-50 pathways", "lateral connections"),
            ("mean of each", "joined: 2,304 features"),
            _HEAD,
        ),
        ("Flicker and jitter live at high frame rates, where the fast pathway looks",),
        _DEEP,
    ),
    "slowfast_attention": Story(
        "SlowFast with attention",
        "SlowFast, and before the head the two pathways attend to each other: each moment of one asks "
        "which moments of the other matter, instead of both being averaged blindly.",
        (
            ("two ResNet-50 pathways", "lateral connections"),
            ("attention across pathways", "tokens over time"),
            ("mean of each", "joined"),
            _HEAD,
        ),
        ("Can weigh the moments that a fake betrays",),
        ("The attention starts from random weights", *_DEEP),
    ),
    "slowfast_multiscale": Story(
        "SlowFast with several scales",
        "SlowFast, and the head reads features of several stages: fine traces of early ones beside the "
        "meaning of late ones.",
        (
            ("two ResNet-50 pathways", "lateral connections"),
            ("features of several stages", "each pooled and projected"),
            ("joined", ""),
            _HEAD,
        ),
        ("Low-level traces reach the head without passing all stages",),
        ("The projections start from random weights", *_DEEP),
    ),
    "two_stream": Story(
        "Two streams",
        "One network sees frames, another sees optical flow (DIS), computed once and cached; their "
        "answers are averaged. Flow shows motion without texture: blending seams that swim stand out.",
        (
            ("frames, and stacks of flow", "10 pairs, x and y"),
            ("two ResNet-18", "one a stream"),
            ("average of both", "one number: how fake"),
        ),
        ("Motion is given rather than learnt",),
        ("Flow is of compressed video: its errors follow the codec", *_DEEP),
    ),
}
