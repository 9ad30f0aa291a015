import Foundation
import JSON
import Testing

@Suite struct JSONTextTests {
    @Test func readsBackAsItWas() throws {
        let text = String(String.UnicodeScalarView((0...0x2100).compactMap(Unicode.Scalar.init))) + "👩‍👧\u{10FFFF}"
        let json = text.json
        #expect(try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed) as? String == text)
        #expect(json.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<10_000 {
            let value = Float(bitPattern: generator.next())
            guard value.isFinite else {
                #expect(value.json == "null")
                continue
            }
            let number = value.json
            let read =
                try JSONSerialization.jsonObject(with: Data(number.utf8), options: .fragmentsAllowed) as? NSNumber
            #expect(read?.floatValue == value, "\(number)")
        }
        #expect((0.1 as Float).json == "0.1")
    }

    @Test func valuesOfAllKindsStandOnOneLine() {
        let object = JSONText.object([
            "a\nb": 1, "list": ["x", "\u{2028}"], "none": nil as Int?, "yes": true, "double": 0.5,
            "object": JSONText.object(["float": 0.1 as Float]),
        ])
        #expect(
            object.json
                == #"{"a\nb":1,"list":["x","\u2028"],"none":null,"yes":true,"double":0.5,"object":{"float":0.1}}"#
        )
        #expect(([] as [Float]).json == "[]")
        #expect([Float.infinity, 1].json == "[null,1.0]")
    }
}
