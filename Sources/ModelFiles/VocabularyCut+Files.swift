import JSON
import Tokenization

extension VocabularyCut {
    /// A folder's tokenizer files for the smaller vocabulary: tokens that are not kept are left out, and whatever has an id has
    /// the new one. Files that have none are as they were.
    package func files(of folder: String) throws(ModelFilesError) -> [SmallFile] {
        var files: [SmallFile] = []
        for file in try TokenizerFiles.contents(of: folder) {
            let path = join(folder, file.name)
            switch file.name {
            case VocabularyFile.fileName: files.append(vocabulary(try VocabularyFile.read(path, from: .disk)))
            case SerializedTokenizer.fileName:
                files.append(try edited(file, path) { value throws(ModelFilesError) in try serialized(value, path) })
            case TokenizerSettings.fileName:
                files.append(
                    try edited(file, path) { value throws(ModelFilesError) in
                        value.replacing("added_tokens_decoder") { renumbered(keysOf: $0) }
                    }
                )
            case TokenizerSettings.addedTokensFileName:
                files.append(try edited(file, path) { value throws(ModelFilesError) in renumbered(valuesOf: value) })
            default: files.append(file)
            }
        }
        return files
    }

    private func vocabulary(_ tokens: TokenList) -> SmallFile {
        let lines = kept.filter { $0 < tokens.count }.map { tokens[$0] + "\n" }
        return SmallFile(name: VocabularyFile.fileName, text: lines.joined())
    }

    private func edited(
        _ file: SmallFile,
        _ path: String,
        _ edit: (JSONValue) throws(ModelFilesError) -> JSONValue
    ) throws(ModelFilesError) -> SmallFile {
        let value = try JSONNode(readingFile: path, blame: .malformedTokenizer).value
        return SmallFile(name: file.name, text: try edit(value).fileText)
    }

    // MARK: - tokenizer.json

    private func serialized(_ value: JSONValue, _ path: String) throws(ModelFilesError) -> JSONValue {
        value
            .replacing("model") { $0.replacing("vocab") { vocabularyObject($0) } }
            .replacing("added_tokens") { tokens in
                guard case .array(let elements) = tokens else { return tokens }
                return .array(
                    elements.compactMap { element in
                        guard case .object(let object) = element, case .integer(let id)? = object["id"],
                            let new = newID(id)
                        else { return nil }
                        return element.replacing("id") { _ in .integer(new) }
                    }
                )
            }
            .replacing("post_processor") { processor($0) }
            .replacing("padding") { $0.replacing("pad_id") { renumbered($0) } }
    }

    /// The kept tokens by their new ids, in order.
    private func vocabularyObject(_ value: JSONValue) -> JSONValue {
        guard case .object(let object) = value else { return value }
        var members: [(key: String, value: Int)] = []
        for case (let token, .integer(let id)) in object.members {
            if let new = newID(id) { members.append((token, new)) }
        }
        return .object(JSONObject(members.sorted { $0.value < $1.value }.map { ($0.key, .integer($0.value)) }))
    }

    /// A template has the ids of its special tokens, BERT's own has pairs of a token and its id.
    private func processor(_ value: JSONValue) -> JSONValue {
        var result = value.replacing("special_tokens") { tokens in
            guard case .object(let object) = tokens else { return tokens }
            return .object(
                JSONObject(
                    object.members.map { token, entry in
                        (
                            token,
                            entry.replacing("ids") { ids in
                                guard case .array(let ids) = ids else { return ids }
                                return .array(ids.map { renumbered($0) })
                            }
                        )
                    }
                )
            )
        }
        for key in ["cls", "sep"] {
            result = result.replacing(key) { pair in
                guard case .array(let pair) = pair, pair.count == 2 else { return .null }
                return .array([pair[0], renumbered(pair[1])])
            }
        }
        return result
    }

    // MARK: - Ids

    private func renumbered(_ value: JSONValue) -> JSONValue {
        guard case .integer(let id) = value, let new = newID(id) else { return value }
        return .integer(new)
    }

    /// An object whose keys are ids.
    private func renumbered(keysOf value: JSONValue) -> JSONValue {
        guard case .object(let object) = value else { return value }
        let members = object.members.compactMap { key, token in
            Int(key).flatMap(newID).map { (key: "\($0)", value: token) }
        }
        return .object(JSONObject(members))
    }

    /// An object of ids by token.
    private func renumbered(valuesOf value: JSONValue) -> JSONValue {
        guard case .object(let object) = value else { return value }
        let members = object.members.compactMap { token, id -> (key: String, value: JSONValue)? in
            guard case .integer(let old) = id, let new = newID(old) else { return nil }
            return (token, .integer(new))
        }
        return .object(JSONObject(members))
    }
}

extension JSONValue {
    /// The same object with another value of a member, if it is an object that has that member.
    fileprivate func replacing(_ key: String, _ edit: (JSONValue) -> JSONValue) -> JSONValue {
        guard case .object(let object) = self, object[key] != nil else { return self }
        return .object(JSONObject(object.members.map { ($0.key, $0.key == key ? edit($0.value) : $0.value) }))
    }
}
