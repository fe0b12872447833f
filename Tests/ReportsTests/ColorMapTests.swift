import Reports
import Testing

/// Golden values: `matplotlib.colormaps[name](index, bytes=True)` of matplotlib 3.11.2.
@Suite struct ColorMapTests {
  static let golden: [(ColorMap, [Int: RGBColor])] = [
    (
      .viridis,
      [
        0: RGBColor(68, 1, 84), 1: RGBColor(68, 2, 85), 64: RGBColor(58, 82, 139),
        93: RGBColor(45, 111, 142), 94: RGBColor(44, 112, 142), 128: RGBColor(32, 144, 140),
        190: RGBColor(89, 199, 100), 191: RGBColor(91, 200, 98), 254: RGBColor(250, 230, 34),
        255: RGBColor(253, 231, 36),
      ]
    ),
    (
      .inferno,
      [
        0: RGBColor(0, 0, 3), 1: RGBColor(0, 0, 4), 64: RGBColor(87, 15, 109),
        93: RGBColor(133, 32, 106), 94: RGBColor(134, 33, 106), 128: RGBColor(187, 55, 84),
        190: RGBColor(248, 138, 11), 191: RGBColor(249, 140, 9), 254: RGBColor(250, 253, 160),
        255: RGBColor(252, 254, 164),
      ]
    ),
    (
      .hot,
      [
        0: RGBColor(10, 0, 0), 1: RGBColor(13, 0, 0), 64: RGBColor(178, 0, 0),
        93: RGBColor(254, 0, 0), 94: RGBColor(255, 2, 0), 128: RGBColor(255, 91, 0),
        190: RGBColor(255, 254, 0), 191: RGBColor(255, 255, 2), 200: RGBColor(255, 255, 38),
        254: RGBColor(255, 255, 251), 255: RGBColor(255, 255, 255),
      ]
    ),
  ]

  @Test(arguments: golden) func `entries equal matplotlib's published tables`(
    map: ColorMap, colors: [Int: RGBColor]
  ) {
    #expect(map.entries.count == 256)
    for (index, color) in colors {
      #expect(map.entries[index] == color, "\(map.name)[\(index)]")
    }
  }

  @Test func `a value picks entry floor of 256 times itself, within the table`() {
    let map = ColorMap.viridis
    #expect(map[0] == map.entries[0])
    #expect(map[0.5] == map.entries[128])
    #expect(map[0.00390624] == map.entries[0])
    #expect(map[0.00390626] == map.entries[1])
    #expect(map[1] == map.entries[255])
    #expect(map[-3] == map.entries[0])
    #expect(map[1e30] == map.entries[255])
    #expect(map[.nan] == .notFinite)
    #expect(map[.infinity] == .notFinite)
  }

  @Test func `every entry of hot equals matplotlib's`() {
    let golden = Self.hot.filter { $0.isHexDigit }
    let built = ColorMap.hot.entries.flatMap { [$0.red, $0.green, $0.blue] }
      .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    #expect(built == golden)
  }

  static let hot = """
    0a00000d00000f00001200001500001700001a00001c00001f00002200002400002700002a00002c00002f0000
    3100003400003700003900003c00003f00004100004400004600004900004c00004e0000510000540000560000
    5900005b00005e00006100006300006600006900006b00006e00007000007300007600007800007b00007e0000
    8000008300008500008800008b00008d00009000009300009500009800009a00009d0000a00000a20000a50000
    a80000aa0000ad0000af0000b20000b50000b70000ba0000bd0000bf0000c20000c40000c70000ca0000cc0000
    cf0000d20000d40000d70000d90000dc0000df0000e10000e40000e70000e90000ec0000ee0000f10000f40000
    f60000f90000fc0000fe0000ff0200ff0500ff0700ff0a00ff0c00ff0f00ff1200ff1400ff1700ff1a00ff1c00
    ff1f00ff2100ff2400ff2700ff2900ff2c00ff2f00ff3100ff3400ff3600ff3900ff3c00ff3e00ff4100ff4400
    ff4600ff4900ff4b00ff4e00ff5100ff5300ff5600ff5900ff5b00ff5e00ff6000ff6300ff6600ff6800ff6b00
    ff6e00ff7000ff7300ff7500ff7800ff7b00ff7d00ff8000ff8300ff8500ff8800ff8a00ff8d00ff9000ff9200
    ff9500ff9700ff9a00ff9d00ff9f00ffa200ffa500ffa700ffaa00ffac00ffaf00ffb200ffb400ffb700ffba00
    ffbc00ffbf00ffc100ffc400ffc700ffc900ffcc00ffcf00ffd100ffd400ffd600ffd900ffdc00ffde00ffe100
    ffe400ffe600ffe900ffeb00ffee00fff100fff300fff600fff900fffb00fffe00ffff02ffff06ffff0affff0e
    ffff12ffff16ffff1affff1effff22ffff26ffff2affff2effff32ffff36ffff3affff3effff41ffff45ffff49
    ffff4dffff51ffff55ffff59ffff5dffff61ffff65ffff69ffff6dffff71ffff75ffff79ffff7dffff80ffff84
    ffff88ffff8cffff90ffff94ffff98ffff9cffffa0ffffa4ffffa8ffffacffffb0ffffb4ffffb8ffffbcffffbf
    ffffc3ffffc7ffffcbffffcfffffd3ffffd7ffffdbffffdfffffe3ffffe7ffffebffffeffffff3fffff7fffffb
    ffffff
    """
}
