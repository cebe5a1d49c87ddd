"""A first mapping for a new source, drafted from sample records; what is doubtful is left for a person, and the compiler refuses it until then.

Reads the samples and our own word lists, nothing else. The same samples give the same draft.
"""

from mappings.drafting.drafts import Draft, Source, draft
from mappings.drafting.samples import SampleError, read_samples
from mappings.drafting.writing import write

__all__ = ["read_samples", "draft", "write", "Draft", "Source", "SampleError"]
