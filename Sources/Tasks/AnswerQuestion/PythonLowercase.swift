/// Scalars in lower case as Python's `str.lower` has them: full mappings, and a final capital sigma becomes ς.
package func pythonLowercased(_ text: ArraySlice<Unicode.Scalar>) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count)
    for index in text.indices {
        let scalar = text[index]
        if scalar.value < 0x80 {
            result.append((0x41...0x5A).contains(scalar.value) ? Unicode.Scalar(UInt8(scalar.value + 0x20)) : scalar)
        } else if scalar == "\u{3A3}" {
            result.append(isFinal(text, index) ? "\u{3C2}" : "\u{3C3}")
        } else {
            result += scalar.properties.lowercaseMapping.unicodeScalars
        }
    }
    return result
}

/// Unicode's Final_Sigma: a cased letter before it and none behind it, case-ignorable ones left aside.
private func isFinal(_ text: ArraySlice<Unicode.Scalar>, _ index: Int) -> Bool {
    let before = text[..<index].last { !$0.properties.isCaseIgnorable }
    let after = text[(index + 1)...].first { !$0.properties.isCaseIgnorable }
    return before?.properties.isCased == true && after?.properties.isCased != true
}
