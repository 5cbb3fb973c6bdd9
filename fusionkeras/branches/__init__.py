"""One function a kind of encoder; each returns a `Branch`."""

from fusionkeras.branches.bert import bert_branch
from fusionkeras.branches.image import image_branch
from fusionkeras.branches.lstm import lstm_branch

BRANCHES = {
    "image": image_branch,
    "lstm": lstm_branch,
    "bert": bert_branch,
}
