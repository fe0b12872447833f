extension CaptionDataset {
  /// Reads, or draws, the data set that an experiment names.
  ///
  /// - Throws: ``DatasetError`` if something is missing or malformed.
  public init(_ config: DatasetConfig) throws(DatasetError) {
    switch config {
    case .flickr8k(let config):
      let form: Flickr8kForm? =
        switch config.form {
        case .auto: nil
        case .kaggle: .kaggle
        case .classic: .classic
        }
      self = try .flickr8k(
        root: config.root.url, form: form, split: ImageSplit(config.split),
        captionsPerImage: config.captionsPerImage)
    case .scenes(let config):
      self = .scenes(
        train: config.train, validation: config.validation, test: config.test, seed: config.seed,
        imageSize: config.imageSize, maximumObjects: config.maxObjects,
        captionsPerImage: config.captionsPerImage)
    case .cocoKarpathy(let config):
      self = try .cocoKarpathy(
        annotations: config.annotations.url, root: config.root.url, usesRestval: config.restval,
        split: ImageSplit(config.split), captionsPerImage: config.captionsPerImage)
    case .imageFolder(let config):
      let form: ImageFolderForm? =
        switch config.captions {
        case .auto: nil
        case .sidecar: .sidecar
        case .csv: .metadataCSV
        case .jsonl: .metadataJSONL
        }
      self = try .imageFolder(
        root: config.root.url, form: form, textColumn: config.textColumn,
        split: ImageSplit(config.split), captionsPerImage: config.captionsPerImage)
    }
  }
}

extension ImageSplit {
  public init(_ config: SplitConfig) {
    self.init(
      train: config.train, validation: config.validation, test: config.test, seed: config.seed)
  }
}
