import Glibc

/// Something in the repository that is not served, and why.
package struct SkippedEntry: Hashable, Sendable {
    /// As it can be printed.
    package var path: String
    package var reason: String
    /// Whether it looks as if somebody wanted it to be served; a README does not.
    package var isSuspicious: Bool

    package init(path: String, reason: String, isSuspicious: Bool) {
        (self.path, self.reason, self.isSuspicious) = (path, reason, isSuspicious)
    }
}

extension ModelRepository {
    /// What lies in the repository and is neither a model nor a version, nor read. Hidden entries are nobody's business,
    /// versions that the configuration leaves out are left out on purpose, and misnamed models are in the status.
    package func skipped() -> [SkippedEntry] {
        var result: [SkippedEntry] = []
        for name in (namesInFolder(root) ?? []).sorted() where !name.hasPrefix(".") {
            let path = "\(root)/\(name)"
            switch kind(of: path) {
            case .folder where Self.isName(name): result += skipped(inModel: name, at: path)
            case .folder where isMisnamedModel(name): continue
            case .folder: result.append(entry(path, Self.nameRule, isSuspicious: true))
            case .other(let reason):
                result.append(entry(path, "\(reason), and a model is a folder", isSuspicious: reason != Self.file))
            }
        }
        return result
    }

    private func skipped(inModel model: String, at folder: String) -> [SkippedEntry] {
        let configuration = try? self.model(model)?.configuration
        let read = ["config.yaml", configuration?.quality.calibrationFile]
        return (namesInFolder(folder) ?? []).sorted().compactMap { name in
            guard !name.hasPrefix("."), !read.contains(name) else { return nil }
            let path = "\(folder)/\(name)"
            let isVersion = UInt64(name).map { $0 > 0 && String($0) == name } ?? false
            switch kind(of: path) {
            case .folder where isVersion: return nil
            case .folder:
                // The calibration file may lie in one.
                if read.contains(where: { $0?.hasPrefix("\(name)/") == true }) { return nil }
                let rule = "the name of a version is a whole number from 1, without zeros before it"
                return entry(path, rule, isSuspicious: true)
            case .other(let reason) where isVersion:
                return entry(path, "\(reason), and a version is a folder", isSuspicious: true)
            case .other(let reason):
                let isMeant = ["config.yml", "config.json", "model.safetensors"].contains(name)
                let rule =
                    "beside the versions only config.yaml is read; a checkpoint's files belong into a version's folder"
                return entry(path, "\(reason): \(rule)", isSuspicious: isMeant || reason != Self.file)
            }
        }
    }

    private enum Kind {
        case folder
        case other(String)
    }

    private static let file = "it is a file"

    private func kind(of path: String) -> Kind {
        var information = stat()
        guard stat(path, &information) == 0 else {
            if errno == ENOENT, lstat(path, &information) == 0 { return .other("it is a link to nothing") }
            return .other("it cannot be read (\(String(cString: strerror(errno))))")
        }
        switch information.st_mode & S_IFMT {
        case S_IFDIR: return .folder
        case S_IFREG: return .other(Self.file)
        default: return .other("it is neither a file nor a folder")
        }
    }

    private func entry(_ path: String, _ reason: String, isSuspicious: Bool) -> SkippedEntry {
        SkippedEntry(path: printable(path), reason: reason, isSuspicious: isSuspicious)
    }
}

/// Whether a text can be shown as it is: no control characters, and none that stand for bytes which are no UTF-8.
func isPrintable(_ text: String) -> Bool { text.unicodeScalars.allSatisfy(isPrintable) }

/// The text as it can be shown.
package func printable(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { isPrintable($0) ? $0 : "\u{fffd}" }))
}

private func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse, .surrogate: false
    default: scalar != "\u{fffd}"
    }
}
