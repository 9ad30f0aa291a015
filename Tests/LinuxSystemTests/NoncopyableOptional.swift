/// Whether a value is nil, for values that `#expect` cannot copy.
func isNone<Value: ~Copyable>(_ value: consuming Value?) -> Bool {
    switch consume value {
    case .none: true
    case .some: false
    }
}
