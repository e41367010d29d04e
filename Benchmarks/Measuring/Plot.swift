import Glibc

/// A plot of costs on logarithmic axes, as SVG.
public struct Plot {
  /// Measured points with a name.
  public struct Line {
    public var name: String
    public var points: [(x: Double, y: Double)]

    public init(_ name: String, _ points: [(x: Double, y: Double)]) {
      self.name = name
      self.points = points
    }
  }

  private let title: String
  private let axes: (x: String, y: String)
  private let lines: [Line]

  private static let size = (width: 640.0, height: 400.0)
  private static let margin = (left: 70.0, right: 150.0, top: 40.0, bottom: 50.0)
  private static let colours = ["#0b62a4", "#c8501e", "#4c8a3d", "#7a4fa3"]

  public init(_ title: String, x: String, y: String, _ lines: [Line]) {
    self.title = title
    axes = (x, y)
    self.lines = lines
  }

  /// The text of an SVG file.
  public var svg: String {
    let points = lines.flatMap(\.points)
    let (x, y) = (Self.decades(points.map(\.x)), Self.decades(points.map(\.y)))
    let (width, height) = (Self.size.width, Self.size.height)
    let (right, bottom) = (width - Self.margin.right, height - Self.margin.bottom)
    func across(_ value: Double) -> Double {
      Self.margin.left + (log10(value) - Double(x.lowerBound)) / Double(x.count - 1) * (right - Self.margin.left)
    }
    func up(_ value: Double) -> Double { bottom - (log10(value) - Double(y.lowerBound)) / Double(y.count - 1) * (bottom - Self.margin.top) }
    var text = """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(width)) \(Int(height))" font-family="sans-serif" font-size="12">
      <rect width="100%" height="100%" fill="white"/>
      <text x="\(Int(width / 2))" y="20" text-anchor="middle" font-size="14">\(title)</text>
      <text x="\(Self.number((Self.margin.left + right) / 2))" y="\(Int(height - 12))" text-anchor="middle">\(axes.x)</text>
      <text transform="translate(16 \(Int((Self.margin.top + bottom) / 2))) rotate(-90)" text-anchor="middle">\(axes.y)</text>

      """
    for decade in x {
      let place = Self.number(across(pow(10, Double(decade))))
      text += "<path d=\"M\(place) \(Self.number(Self.margin.top))V\(Self.number(bottom))\" stroke=\"#ddd\"/>"
      text += "<text x=\"\(place)\" y=\"\(Int(bottom + 16))\" text-anchor=\"middle\">\(Self.power(decade))</text>\n"
    }
    for decade in y {
      let place = Self.number(up(pow(10, Double(decade))))
      text += "<path d=\"M\(Self.number(Self.margin.left)) \(place)H\(Self.number(right))\" stroke=\"#ddd\"/>"
      text += "<text x=\"\(Int(Self.margin.left - 6))\" y=\"\(place)\" text-anchor=\"end\" dy=\"4\">\(Self.power(decade))</text>\n"
    }
    for (line, colour) in zip(lines, Self.colours) {
      let path = line.points.map { "\(Self.number(across($0.x))),\(Self.number(up($0.y)))" }.joined(separator: " ")
      text += "<polyline points=\"\(path)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"2\"/>\n"
      for point in line.points {
        text += "<circle cx=\"\(Self.number(across(point.x)))\" cy=\"\(Self.number(up(point.y)))\" r=\"3\" fill=\"\(colour)\"/>"
      }
      guard let last = line.points.last else { continue }
      text += "\n<text x=\"\(Int(right + 8))\" y=\"\(Self.number(up(last.y)))\" dy=\"4\" fill=\"\(colour)\">\(line.name)</text>\n"
    }
    return text + "</svg>\n"
  }

  /// Writes the file. Returns false if it cannot be written.
  public func write(to path: String) -> Bool {
    guard let file = fopen(path, "w") else { return false }
    defer { fclose(file) }
    return fputs(svg, file) >= 0
  }

  /// The powers of ten that the values are between.
  private static func decades(_ values: [Double]) -> ClosedRange<Int> {
    let (low, high) = (Int(log10(values.min() ?? 1).rounded(.down)), Int(log10(values.max() ?? 10).rounded(.up)))
    return low...max(low + 1, high)
  }

  private static func power(_ decade: Int) -> String {
    var text = "1"
    for _ in 0..<max(0, decade) { text += "0" }
    return text
  }

  private static func number(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}
