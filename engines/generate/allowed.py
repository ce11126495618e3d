"""Which operations a foreign graph may hold before TensorFlow is shown it."""

from typing import Final

# The operations that Magenta's generation graphs are made of, over the versions of TensorFlow they were
# written by; none of them reads a file, opens a connection or calls Python.
_OPERATIONS: Final = """
Add AddV2 All Assert Assign AssignVariableOp BiasAdd BroadcastArgs BroadcastTo Cast Concat ConcatV2 Const Div
Enter Equal Exit Exp ExpandDims Fill FloorMod Gather GatherV2 Greater GreaterEqual Identity If Less LogicalAnd
LoopCond MatMul Max Maximum Mean Merge MergeV2Checkpoints Min Minimum Mul Neg NextIteration NoOp NotEqual
OneHot OnesLike Pack Placeholder PlaceholderWithDefault Prod RandomStandardNormal RandomUniform Range
ReadVariableOp RealDiv Reciprocal Reshape RestoreSlice RestoreV2 ReverseSequence Rsqrt SaveSlices SaveV2
Select Shape ShardedFilename Sigmoid Size Slice Softmax Split SplitV Square Squeeze StatelessIf
StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg StatelessRandomUniform StatelessRandomUniformV2
StatelessWhile StopGradient StridedSlice StringJoin Sub Sum Switch Tanh TensorArray TensorArrayGather
TensorArrayGatherV2 TensorArrayGatherV3 TensorArrayRead TensorArrayReadV2 TensorArrayReadV3 TensorArrayScatter
TensorArrayScatterV2 TensorArrayScatterV3 TensorArraySize TensorArraySizeV2 TensorArraySizeV3 TensorArrayV2
TensorArrayV3 TensorArrayWrite TensorArrayWriteV2 TensorArrayWriteV3 TensorListFromTensor TensorListGetItem
TensorListReserve TensorListSetItem TensorListStack Tile Transpose TruncatedNormal Unpack VarHandleOp
VarIsInitializedOp Variable VariableV2 While ZerosLike
"""
ALLOWED: Final = frozenset(_OPERATIONS.split())
