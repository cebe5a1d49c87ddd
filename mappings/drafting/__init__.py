"""A first mapping for a new source, drafted from sample records; what is doubtful is left for a person, and the compiler refuses it until then.

Reads the samples and our own word lists, nothing else. The same samples give the same draft.
"""

from mappings.drafting.drafts import THRESHOLD, Draft, Source, draft
from mappings.drafting.samples import SampleError, read_samples
from mappings.drafting.writing import as_data, write

__all__ = ["read_samples", "draft", "write", "as_data", "Draft", "Source", "SampleError", "THRESHOLD"]
