/// A name or a text from an untrusted file, made fit for one line of an error: quoted, control characters escaped,
/// shortened.
package func quoted(_ name: String) -> String {
    let longest = 120
    var text = "\""
    for (count, scalar) in name.unicodeScalars.enumerated() {
        guard count < longest else {
            text += "…"
            break
        }
        text +=
            scalar == "\"" || scalar.properties.generalCategory == .control
            ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return text + "\""
}
