/** Types for the protobuf classes that the package ships untyped (google-protobuf), as far as they are used here. */

export interface Messages {
  readonly SavedModel: new () => SavedModel;
  readonly MetaGraphDef: (new () => MetaGraphDef) & {readonly MetaInfoDef: new () => MetaInfoDef};
  readonly GraphDef: new () => GraphDef;
  readonly VersionDef: new () => VersionDef;
  readonly NodeDef: new () => NodeDef;
  readonly AttrValue: (new () => AttrValue) & {readonly ListValue: new () => ListValue};
  readonly Tensor: new () => Tensor;
  readonly TensorShape: (new () => TensorShape) & {readonly Dim: new () => Dim};
}

interface SavedModel {
  setSavedModelSchemaVersion(version: number): void;
  addMetaGraphs(graph: MetaGraphDef): void;
  serializeBinary(): Uint8Array;
}

interface MetaGraphDef {
  setMetaInfoDef(info: MetaInfoDef): void;
  setGraphDef(graph: GraphDef): void;
}

interface MetaInfoDef {
  addTags(tag: string): void;
}

interface GraphDef {
  setNodeList(nodes: NodeDef[]): void;
  setVersions(versions: VersionDef): void;
}

interface VersionDef {
  setProducer(version: number): void;
  setMinConsumer(version: number): void;
}

export interface NodeDef {
  setName(name: string): void;
  setOp(op: string): void;
  setInputList(inputs: string[]): void;
  getAttrMap(): {set(name: string, value: AttrValue): void};
}

export interface AttrValue {
  setS(text: Uint8Array): void;
  setI(value: number): void;
  setF(value: number): void;
  setB(value: boolean): void;
  setType(type: number): void;
  setShape(shape: TensorShape): void;
  setTensor(tensor: Tensor): void;
  setList(list: ListValue): void;
}

export interface ListValue {
  setIList(values: readonly number[]): void;
  setFList(values: readonly number[]): void;
  setBList(values: readonly boolean[]): void;
  setTypeList(types: readonly number[]): void;
  setSList(texts: readonly Uint8Array[]): void;
}

export interface Tensor {
  setDtype(type: number): void;
  setTensorShape(shape: TensorShape): void;
  setTensorContent(bytes: Uint8Array): void;
}

export interface TensorShape {
  addDim(dim: Dim): void;
}

interface Dim {
  setSize(size: number): void;
}
