"""The messages of proto/, as classes made of the descriptors in proto.binpb, which ops/proto writes.

There is no generated code, which would bind the client to the release of protobuf that generated it.
"""

from importlib import resources

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_files = descriptor_pb2.FileDescriptorSet.FromString(resources.files(__package__).joinpath("proto.binpb").read_bytes()).file
# A pool of our own: the program around us may have other messages of the same names.
_pool = descriptor_pool.DescriptorPool()
for _file in _files:
    _pool.AddSerializedFile(_file.SerializeToString())
# All of them, and for ever: before protobuf 4.25, a message whose field's class has been collected crashes the process.
_classes = message_factory.GetMessageClassesForFiles([file.name for file in _files], _pool)


def message_class(name):
    """The class of a message, by its full name: "inference.v1.ClassifyRequest"."""
    return _classes[name]


def make(name, fields):
    """A message of a dict. Text is str, messages are dicts, an enum is its value's name, without the prefix if you like:
    "TRUNCATION_WINDOWS" or "windows"."""
    return _classes[name](**_arguments(_classes[name].DESCRIPTOR, fields))


def plain(message):
    """A message as a dict with all of its fields: text as str, messages as dicts, those that are not set as None."""
    result = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if _is_repeated(field):
            result[field.name] = [_plain_value(field, item) for item in value] if _is_converted(field) else list(value)
        elif field.message_type and not message.HasField(field.name):
            result[field.name] = None
        else:
            result[field.name] = _plain_value(field, value)
    return result


def _is_repeated(field):
    # `is_repeated` came with protobuf 6.31, and `label` went with 7.
    return field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED


def _is_converted(field):
    return field.message_type or field.type == field.TYPE_BYTES


def _plain_value(field, value):
    if field.message_type:
        return plain(value)
    # All `bytes` of the messages that a call takes and gives are UTF-8.
    return value.decode() if field.type == field.TYPE_BYTES else value


def _arguments(descriptor, fields):
    result = {}
    for name, value in fields.items():
        field = descriptor.fields_by_name.get(name)
        if field is None:
            known = ", ".join(field.name for field in descriptor.fields)
            raise TypeError(f"{descriptor.name} has no field '{name}'; it has {known}")
        if not _is_repeated(field):
            result[name] = _argument(field, value)
        elif isinstance(value, (str, bytes)):
            raise TypeError(f"{name}: it is a list, and was given a single text")
        else:
            result[name] = [_argument(field, item) for item in value] if _is_converted(field) else value
    return result


def _argument(field, value):
    if field.message_type:
        return _arguments(field.message_type, value)
    if field.enum_type and isinstance(value, str):
        for name, number in field.enum_type.values_by_name.items():
            if name == value or name.endswith("_" + value.upper()):
                return number.number
        raise ValueError(f"{field.name}: '{value}' is none of {', '.join(field.enum_type.values_by_name)}")
    return value.encode() if field.type == field.TYPE_BYTES and isinstance(value, str) else value
